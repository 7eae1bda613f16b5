// SPDX-License-Identifier: MIT

// left4me-nftwatch: loads the packet filter, and loads it again whenever somebody deletes its
// table.
//
// "flush ruleset" takes our table along, and nothing in the init system notices. The events are
// opened before the first load, so none is missed. Who flushes again and again, perhaps a file of
// the administrator's that we load ourselves, is answered ever more slowly.

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"

#define TABLE_NAME   "left4me"
#define NFT          "/usr/sbin/nft"
#define LOAD         "/usr/lib/left4me/load-filter"
#define MARK         "/run/left4me-nft/loaded" // without it no server and no build starts
#define BUFFER_SIZE  65536u
#define QUIET_MS     30000u // between two loads: they have nothing to do with each other
#define PAUSE_MS     100u   // before the third load in a row, doubled for each one after it
#define PAUSE_MS_MAX 5000u

static int open_events(int *ret, struct error *err)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK };
    int                group = NFNLGRP_NFTABLES;

    *ret = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (*ret < 0 || bind(*ret, (struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(*ret, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
        return error_sys(err, errno, "listening to changes of the packet filter");
    return 0;
}

// Whether the message says that the table of our name is gone.
static bool is_our_end(const struct nlmsghdr *message)
{
    if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE))
        return false;
    size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    while (at + sizeof(struct nlattr) <= message->nlmsg_len) {
        const struct nlattr *attribute = (const void *)((const char *)message + at);
        if (attribute->nla_len < NLA_HDRLEN || at + attribute->nla_len > message->nlmsg_len)
            return false;
        const char *name = (const char *)attribute + NLA_HDRLEN;
        size_t      n_name = attribute->nla_len - (size_t)NLA_HDRLEN;
        if ((attribute->nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME &&
            n_name == sizeof TABLE_NAME && memcmp(name, TABLE_NAME, n_name) == 0)
            return true;
        at += NLA_ALIGN(attribute->nla_len);
    }
    return false;
}

// The exit code of a program; -1 in *ret when it was killed.
static int run(int *ret, char *const argv[], struct error *err)
{
    pid_t pid;
    int   status = 0, r = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);

    if (r != 0)
        return error_sys(err, r, "running %s", argv[0]);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_sys(err, errno, "waiting for %s", argv[0]);
    *ret = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return 0;
}

static int has_table(bool *ret, struct error *err)
{
    static char nft[] = NFT, list[] = "list", table[] = "table", inet[] = "inet";
    static char name[] = TABLE_NAME;
    char *const argv[] = { nft, list, table, inet, name, NULL };
    int         code = 0;

    if (run(&code, argv, err) < 0)
        return -1;
    *ret = code == 0;
    return 0;
}

// Loads the table, and marks it as in force if it is there afterwards: a file of the
// administrator's may have flushed it.
static int load(struct error *err)
{
    static char program[] = LOAD;
    char *const argv[] = { program, NULL };
    int         code = 0;
    bool        is_there = false;

    if (run(&code, argv, err) < 0)
        return -1;
    if (code != 0)
        return error_set(err, ERROR_FAILED, "the packet filter could not be loaded");
    if (has_table(&is_there, err) < 0)
        return -1;
    if (!is_there)
        return 0;
    AUTO_FD fd = open(MARK, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);
    return fd < 0 ? error_sys(err, errno, "making " MARK) : 0;
}

static bool is_end_among(char *buffer, size_t n)
{
    for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, n);
         message = NLMSG_NEXT(message, n))
        if (is_our_end(message))
            return true;
    return false;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// Loads in a row, and what is waited for before the next one.
struct pace {
    uint64_t last_ms;
    unsigned n;
};

static void keep_pace(struct pace *pace)
{
    unsigned        pause_ms = 0;
    struct timespec pause;

    if (now_ms() - pace->last_ms > QUIET_MS)
        pace->n = 0;
    if (pace->n > 1)
        pause_ms = PAUSE_MS << MIN(pace->n - 2, 8u);
    if (pause_ms > PAUSE_MS_MAX)
        pause_ms = PAUSE_MS_MAX;
    pace->n++;
    if (pause_ms == PAUSE_MS_MAX)
        log_line(LEVEL_WARNING, "the table is deleted again and again: does a file in "
                                "/etc/left4me/nft.d flush the rules?");
    pause = (struct timespec){ pause_ms / 1000, (long)(pause_ms % 1000) * 1000000 };
    (void)nanosleep(&pause, NULL); // woken early, it only loads sooner
    pace->last_ms = now_ms();
}

// Loading replaces the table, which ends it too: only one that does not exist is missed.
static int load_if_gone(int fd, struct pace *pace, char *buffer, struct error *err)
{
    bool is_there = false;

    if (has_table(&is_there, err) < 0)
        return -1;
    if (is_there)
        return 0;
    (void)unlink(MARK); // what it says is not so any more
    keep_pace(pace);
    while (recv(fd, buffer, BUFFER_SIZE, MSG_DONTWAIT) > 0) // all said before the next load
        ;
    log_line(LEVEL_NOTICE, "the table was deleted, it is loaded again");
    return load(err);
}

static int watch(int fd, struct error *err)
{
    static char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
    struct pace pace = { .last_ms = now_ms(), .n = 1 };

    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        // ENOBUFS: events were lost, perhaps the one.
        if (n < 0 && errno != ENOBUFS)
            return error_sys(err, errno, "watching the packet filter");
        if ((n < 0 || is_end_among(buffer, (size_t)n)) && load_if_gone(fd, &pace, buffer, err) < 0)
            return -1;
    }
}

int main(void)
{
    struct error err = { 0 };
    AUTO_FD      fd = -1;

    if (open_events(&fd, &err) < 0 || load(&err) < 0 || notify_send("READY=1", &err) < 0 ||
        watch(fd, &err) < 0)
        log_line(LEVEL_ERROR, "%s", err.message);
    (void)unlink(MARK); // nobody watches now
    return 1;           // the unit is started again
}
