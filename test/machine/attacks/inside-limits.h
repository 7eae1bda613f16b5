// SPDX-License-Identifier: MIT
#pragma once

// More of the machine than one may have: priority, limits, children, memory, time.

#include "inside-network.h"

// What root has as many of as this user: it made the namespace in which it counts.
static void attack_quotas(int argc, char **argv)
{
    struct rlimit limit = { 0 };

    (void)argc, (void)argv;
    tell("inotify", syscall(SYS_inotify_init1, 0));
#ifdef SYS_inotify_init
    tell("inotify, old", syscall(SYS_inotify_init));
#endif
    tell("fanotify", syscall(SYS_fanotify_init, 0, 0));
    getrlimit(RLIMIT_SIGPENDING, &limit);
    say("pending signals", limit.rlim_cur > 1024 ? "done" : "blocked", "%llu",
        (unsigned long long)limit.rlim_cur);
    getrlimit(RLIMIT_MSGQUEUE, &limit);
    say("message queues", limit.rlim_cur > 0 ? "done" : "blocked", "%llu",
        (unsigned long long)limit.rlim_cur);
}

// More of what a unit limits: each is what only root may do.
static void attack_limits(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         resource;
    } rows[] = {
        { "file size", RLIMIT_FSIZE },    { "open files", RLIMIT_NOFILE },
        { "core", RLIMIT_CORE },          { "locked memory", RLIMIT_MEMLOCK },
        { "priority", RLIMIT_NICE },      { "real time", RLIMIT_RTPRIO },
        { "signals", RLIMIT_SIGPENDING }, { "message queues", RLIMIT_MSGQUEUE },
    };
    struct rlimit64 limit;

    (void)argc, (void)argv;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        getrlimit64(rows[i].resource, &limit);
        if (limit.rlim_max == RLIM64_INFINITY) {
            say(rows[i].name, "done", "there is no limit");
            continue;
        }
        limit.rlim_max++;
        tell(rows[i].name, setrlimit64(rows[i].resource, &limit));
    }
    tell("nice", setpriority(PRIO_PROCESS, 0, -20));
    tell("nice of the group", setpriority(PRIO_PGRP, 0, -20));
    tell("best effort, first", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 0));
    tell("real time disk", syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 0));
    tell("fifo", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 }));
    tell("round robin", sched_setscheduler(0, SCHED_RR, &(struct sched_param){ 1 }));
    uint64_t deadline[6] = { 48 | (uint64_t)6 << 32, 0, 0, 5000000, 10000000, 10000000 };
    tell("deadline", syscall(SYS_sched_setattr, 0, deadline, 0));
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    tell("never killed", fd < 0 ? -1 : write(fd, "-1000", 5));
    close(fd);
}

// As many children as there may be; they end with us.
static void attack_fork(int argc, char **argv)
{
    int n = 0, max = argc > 0 ? atoi(argv[0]) : 1000;

    while (n < max) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            sleep(20);
            _exit(0);
        }
        n++;
    }
    say("children", n < max ? "blocked" : "done", "%d before %s", n,
        n < max ? strerrorname_np(errno) : "the end");
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
}

// Takes so many MiB of memory, and uses them.
static void attack_leak(int argc, char **argv)
{
    size_t n = (argc > 0 ? (size_t)atoi(argv[0]) : 100) << 20;
    char  *bytes = malloc(n);

    for (size_t at = 0; bytes && at < n; at += 4096)
        *(volatile char *)(bytes + at) = 1;
    say("memory", bytes ? "done" : "blocked", "%zu bytes", n);
}

// Wants all of a processor for some seconds.
static void attack_spin(int argc, char **argv)
{
    long end = now_ms() + 1000 * (argc > 0 ? atoi(argv[0]) : 5);

    say("spinning", "note", "now");
    while (now_ms() < end)
        ;
}
