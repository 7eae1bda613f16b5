// SPDX-License-Identifier: MIT
#include "build/shield.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/number.h"

#define X32_CALLS  0x40000000u
#define FILTER_MAX 512u // instructions
#define RULE_MAX   6u

// Preallocation by an older name, which every file system hears; no header has these numbers.
#define FS_IOC_RESVSP     0x40305828u
#define FS_IOC_RESVSP64   0x4030582au
#define FS_IOC_ZERO_RANGE 0x40305839u
#define XFS_IOC_ALLOCSP64 0x40305824u // of kernels before 5.17

// What of the second argument of socketpair(2) is the type; the rest are flags.
#define SOCKET_TYPE_MASK 0xfu

// A request of ioctl(2) has a byte that says whose it is: these are of Btrfs, but that all file
// systems know two of them, which are for cloning files.
#define IOCTL_TYPE_MASK 0xff00u
#define IOCTL_BTRFS     0x9400u

#define ALLOWED 0u // in the place of an error

enum when { ALWAYS, IF_EQUAL, IF_NOT_EQUAL };

struct rule {
    uint32_t  call;
    uint32_t  errnum; // ALLOWED: later rules do not count
    enum when when;
    uint32_t  argument; // which one; its lower half is compared
    uint32_t  value;
    uint32_t  mask; // bits that count; 0: all
};

static const struct rule rules[] = {
    // Disk space without writing. Programs know that a file system may not have it.
    { SYS_fallocate, EOPNOTSUPP, ALWAYS, 0, 0, 0 },
    { SYS_ioctl, EOPNOTSUPP, IF_EQUAL, 1, FS_IOC_RESVSP, 0 },
    { SYS_ioctl, EOPNOTSUPP, IF_EQUAL, 1, FS_IOC_RESVSP64, 0 },
    { SYS_ioctl, EOPNOTSUPP, IF_EQUAL, 1, FS_IOC_ZERO_RANGE, 0 },
    { SYS_ioctl, EOPNOTSUPP, IF_EQUAL, 1, XFS_IOC_ALLOCSP64, 0 },
    { SYS_ioctl, EOPNOTSUPP, IF_EQUAL, 1, FS_IOC_FSSETXATTR, 0 }, // extents of gigabytes
    // A subvolume that is made read-only is one that nobody can empty.
    { SYS_ioctl, ALLOWED, IF_EQUAL, 1, FICLONE, 0 },
    { SYS_ioctl, ALLOWED, IF_EQUAL, 1, FICLONERANGE, 0 },
    { SYS_ioctl, ENOTTY, IF_EQUAL, 1, IOCTL_BTRFS, IOCTL_TYPE_MASK },
    // What is waited for asynchronously is held, and no file of /proc says so: a socket that has a
    // file on its way, and with it the disk that the file takes.
    { SYS_io_setup, ENOSYS, ALWAYS, 0, 0, 0 },
    { SYS_io_submit, ENOSYS, ALWAYS, 0, 0, 0 },
    // Who listens without binding is given a port, one of those that the whole machine has for its
    // own questions.
    { SYS_listen, EACCES, ALWAYS, 0, 0, 0 },
    // Hiding what is open; a rule of landlock keeps a removed file for as long as it stands.
    { SYS_prctl, EPERM, IF_EQUAL, 0, PR_SET_DUMPABLE, 0 },
    { SYS_landlock_add_rule, EPERM, ALWAYS, 0, 0, 0 },
    // The other kinds stay with whom they were made with. A datagram socket can be taken apart, be
    // given an abstract name, and take descriptors from another build: files of its scratch, which
    // nobody counts then, and which could be written to when they have long been published.
    // RestrictAddressFamilies= only looks at socket(2).
    { SYS_socketpair, EAFNOSUPPORT, IF_NOT_EQUAL, 0, AF_UNIX, 0 },
    { SYS_socketpair, EAFNOSUPPORT, IF_EQUAL, 1, SOCK_DGRAM, SOCKET_TYPE_MASK },
    { SYS_socketpair, EAFNOSUPPORT, IF_EQUAL, 1, SOCK_RAW, SOCKET_TYPE_MASK }, // the same
    // The watcher's limits and its share of the processor.
    { SYS_prlimit64, EPERM, IF_NOT_EQUAL, 0, 0, 0 },
    { SYS_setpriority, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_ioprio_set, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_sched_setscheduler, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_sched_setparam, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_sched_setattr, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_sched_setaffinity, EPERM, ALWAYS, 0, 0, 0 },
};

// Where it is no process 1: signals to it by other ways than kill(2) …
static const struct rule signal_rules[] = {
    { SYS_tkill, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_pidfd_send_signal, EPERM, ALWAYS, 0, 0, 0 },
    { SYS_fcntl, EPERM, IF_EQUAL, 1, F_SETOWN, 0 },
    { SYS_fcntl, EPERM, IF_EQUAL, 1, F_SETOWN_EX, 0 },
    { SYS_fcntl, EPERM, IF_EQUAL, 1, F_SETSIG, 0 },
    { SYS_ioctl, EPERM, IF_EQUAL, 1, FIOSETOWN, 0 },
    { SYS_ioctl, EPERM, IF_EQUAL, 1, SIOCSPGRP, 0 },
};

// … and those that name it in their first argument.
static const uint32_t signal_calls[] = { SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo,
                                         SYS_rt_tgsigqueueinfo };

struct filter {
    size_t             n;
    struct sock_filter code[FILTER_MAX];
};

_Static_assert(ELEMENTS(rules) + ELEMENTS(signal_rules) +
                       ELEMENTS(signal_calls) * (SHIELD_TASKS_MAX + 2) <=
                   (FILTER_MAX - 8) / RULE_MAX,
               "the filter has room");

static void add(struct filter *filter, struct sock_filter instruction)
{
    filter->code[filter->n++] = instruction;
}

static void load(struct filter *filter, size_t offset)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void refuse(struct filter *filter, uint32_t errnum)
{
    uint32_t verdict = errnum == ALLOWED ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | errnum;

    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void add_rule(struct filter *filter, const struct rule *rule)
{
    bool has_argument = rule->when != ALWAYS;

    load(filter, offsetof(struct seccomp_data, nr));
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0,
                                             has_argument ? 4 : 1));
    if (has_argument) {
        bool     is_equal = rule->when == IF_EQUAL;
        uint32_t mask = rule->mask ? rule->mask : UINT32_MAX;
        load(filter, offsetof(struct seccomp_data, args) + sizeof(uint64_t) * rule->argument);
        add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
        add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value,
                                                 is_equal ? 0 : 1, is_equal ? 1 : 0));
    }
    refuse(filter, rule->errnum);
}

static void add_rules(struct filter *filter, const struct rule *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_rule(filter, &all[i]);
}

// To itself, to a group in which it is, to everybody, and to any of its tasks.
static void add_signals(struct filter *filter, const struct shield *shield)
{
    for (size_t i = 0; i < ELEMENTS(signal_calls); i++) {
        struct rule rule = { signal_calls[i], EPERM, IF_EQUAL, 0, (uint32_t)-1, 0 };
        add_rule(filter, &rule);
        rule.value = (uint32_t)-getpgid(shield->watcher);
        add_rule(filter, &rule);
        for (unsigned j = 0; j < shield->n_tasks; j++) {
            rule.value = (uint32_t)shield->tasks[j];
            add_rule(filter, &rule);
        }
    }
}

int shield_init(struct shield *ret, struct error *err)
{
    struct shield shield = { .watcher = getpid(), .is_init = getpid() == 1 };
    const char   *name;
    uint32_t      task;
    int           r;
    AUTO_DIR      dir = NULL;
    AUTO_FD       fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening /proc/self/task");
    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (shield.n_tasks == SHIELD_TASKS_MAX)
            return error_set(err, ERROR_FAILED,
                             "there are more tasks than the shield has room for");
        if (number_parse_u32(&task, name, 1, INT32_MAX, err) < 0)
            return -1;
        shield.tasks[shield.n_tasks++] = (pid_t)task;
    }
    if (r == 0)
        *ret = shield;
    return r;
}

int shield_raise(const struct shield *shield)
{
    struct filter filter = { 0 };

    load(&filter, offsetof(struct seccomp_data, arch));
    add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    refuse(&filter, ENOSYS);
    load(&filter, offsetof(struct seccomp_data, nr));
    add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1));
    refuse(&filter, ENOSYS);
    add_rules(&filter, rules, ELEMENTS(rules));
    if (!shield->is_init) {
        add_rules(&filter, signal_rules, ELEMENTS(signal_rules));
        add_signals(&filter, shield);
    }
    add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog program = { .len = (unsigned short)filter.n, .filter = filter.code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
