// SPDX-License-Identifier: MIT
#include "base/spawnchild.h"

#include <signal.h>
#include <stdint.h>

int spawn_child(pid_t *ret, const char *program, const posix_spawn_file_actions_t *actions,
                bool is_leader, const char *const *argv, const char *const *envp)
{
    posix_spawnattr_t attributes;
    sigset_t          none, all;
    short             flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    int               r = posix_spawnattr_init(&attributes);

    if (r != 0)
        return r;
    if (is_leader)
        flags |= POSIX_SPAWN_SETPGROUP; // 0, the group of its own number, is the default
    (void)sigemptyset(&none);           // none of these can fail
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setflags(&attributes, flags);
    // It takes the strings as non-const for history's sake, and changes none.
    r = posix_spawn(ret, program, actions, &attributes, (char *const *)(uintptr_t)argv,
                    (char *const *)(uintptr_t)envp);
    (void)posix_spawnattr_destroy(&attributes);
    return r;
}
