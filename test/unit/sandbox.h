// SPDX-License-Identifier: MIT
#pragma once

// sandbox: a child of the test that is process 1 of namespaces of its own, or an ordinary process,
// and no longer root.

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/macros.h"

#define SANDBOX_UID 12345u

enum sandbox_kind { SANDBOX_PLAIN, SANDBOX_INIT, SANDBOX_KINDS };

// Process 1 needs root; everybody can have the other kind.
static inline bool sandbox_is_possible(enum sandbox_kind kind)
{
    return kind == SANDBOX_PLAIN || geteuid() == 0;
}

// Changes the user, and keeps the one right that stands for LimitRTPRIO= of a unit.
static inline void sandbox_drop(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct   data[2] = { 0 };

    data[0].effective = data[0].permitted = 1u << CAP_SYS_NICE;
    if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0 ||
        setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0 ||
        syscall(SYS_capset, &header, data) < 0)
        _exit(98);
}

// In a child of the sandbox, before it is to be like a program that was executed there.
static inline void sandbox_settle(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct   none[2] = { 0 };

    // The change of the user has made it unreadable for its parent.
    if (syscall(SYS_capset, &header, none) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
        _exit(97);
}

// What its /proc shows is what a unit with ProtectProc=invisible sees.
static inline void sandbox_enter(enum sandbox_kind kind)
{
    // Some are the test library's, and would not be there in a program of its own.
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    if (kind == SANDBOX_INIT && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                                 mount("proc", "/proc", "proc", 0, "hidepid=invisible") < 0))
        _exit(99);
    if (geteuid() == 0)
        sandbox_drop();
}

// Forks into namespaces; the child has to call sandbox_enter(). 0: this is the child.
static inline pid_t sandbox_fork(enum sandbox_kind kind)
{
    int flags = kind == SANDBOX_INIT ? CLONE_NEWPID | CLONE_NEWNS : 0;

    return kind == SANDBOX_INIT ? (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : fork();
}

// How it ended: its exit code, or minus a signal.
static inline int sandbox_wait(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
