// SPDX-License-Identifier: MIT
#include "files/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/fd.h"

#if SANDBOX_IS_SANITIZED
// What the limit on memory does otherwise: what is too much is refused, and no bug.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=768";
}
#endif

// ---- limits -----------------------------------------------------------------------------------

static int limit(int what, uint64_t soft, uint64_t hard, struct error *err)
{
    struct rlimit limit = { soft, hard };

    if (setrlimit((__rlimit_resource_t)what, &limit) < 0)
        return error_sys(err, errno, "setting a limit");
    return 0;
}

static int set_limits(struct error *err)
{
    if ((!SANDBOX_IS_SANITIZED &&
         limit(RLIMIT_AS, SANDBOX_MEMORY_BYTES, SANDBOX_MEMORY_BYTES, err) < 0) ||
        limit(RLIMIT_CPU, SANDBOX_CPU_S, SANDBOX_CPU_S + 1, err) < 0 ||
        limit(RLIMIT_FSIZE, 0, 0, err) < 0 || limit(RLIMIT_CORE, 0, 0, err) < 0 ||
        limit(RLIMIT_MEMLOCK, 0, 0, err) < 0)
        return -1;
    return limit(RLIMIT_NOFILE, 0, 0, err); // last: Landlock has had its descriptor
}

// ---- paths ------------------------------------------------------------------------------------

// Denies every path, as far as the kernel knows how.
static int deny_paths(struct error *err)
{
    // Bit by bit what each version can deny. Source: kernel, Documentation/userspace-api/landlock.
    static const uint64_t rights[] = { 0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff };
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version <= 0) // none, or switched off: the filter forbids every call with a path anyway
        return 0;
    struct landlock_ruleset_attr rules = {
        .handled_access_fs = rights[MIN((size_t)version, ELEMENTS(rights) - 1)],
    };
    AUTO_FD fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return error_sys(err, errno, "denying all paths");
    return 0;
}

// ---- calls ------------------------------------------------------------------------------------

static const int calls[] = {
    SCMP_SYS(brk),           SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(exit),         SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getrandom),     // of malloc, once
    SCMP_SYS(clock_gettime), // where the vDSO cannot answer
    SCMP_SYS(gettimeofday),  SCMP_SYS(time),
#if SANDBOX_IS_SANITIZED
    SCMP_SYS(sigaltstack),   SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sched_yield),   SCMP_SYS(futex),        SCMP_SYS(getpid),
    SCMP_SYS(gettid),
#endif
};

static int add_calls(scmp_filter_ctx filter)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ELEMENTS(calls); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pread64), 1,
                             SCMP_A0(SCMP_CMP_EQ, STDIN_FILENO));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                             SCMP_A0(SCMP_CMP_EQ, STDOUT_FILENO));
    // Memory, but none that can be run.
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return r;
}

static int filter_calls(struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int             r = filter ? add_calls(filter) : -ENOMEM;

    if (r == 0)
        r = seccomp_load(filter);
    // Not released: its memory is no secret, and the calls for it are filtered already.
    if (r < 0)
        return error_sys(err, -r, "filtering system calls");
    return 0;
}

int sandbox_enter(struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return error_sys(err, errno, "giving up rights");
    if (deny_paths(err) < 0 || set_limits(err) < 0)
        return -1;
    return filter_calls(err);
}
