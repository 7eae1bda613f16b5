// SPDX-License-Identifier: MIT
#include "base/scope.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/fd.h"

// Headers of Debian 12 do not know these yet.
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

struct ruleset { // as the kernel has it since its sixth version of this interface
    uint64_t handled_access_fs, handled_access_net, scoped;
};

bool scope_abstract_sockets(void)
{
    const struct ruleset ruleset = { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET };

    AUTO_FD fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    return fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}
