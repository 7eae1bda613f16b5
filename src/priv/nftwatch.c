// SPDX-License-Identifier: MIT

// left4me-nftwatch: stays until somebody deletes the table "left4me", then fails.
//
// "flush ruleset" takes our table along, and nothing in the init system notices. The unit loads the
// table, then runs this; when it fails, the unit is restarted, and so the table is loaded again.

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"

#define TABLE_NAME  "left4me"
#define BUFFER_SIZE 65536u

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

static int watch(int fd, struct error *err)
{
    static char buffer[BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));

    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS) // events were lost, perhaps the one: load it again
            return error_set(err, ERROR_FAILED, "lost sight of the packet filter");
        if (n < 0)
            return error_sys(err, errno, "watching the packet filter");
        size_t left = (size_t)n;
        for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left))
            if (is_our_end(message))
                return error_set(err, ERROR_FAILED, "the table was deleted, it is loaded again");
    }
}

int main(void)
{
    struct error err = { 0 };
    AUTO_FD      fd = -1;

    if (open_events(&fd, &err) < 0 || notify_send("READY=1", &err) < 0 || watch(fd, &err) < 0)
        log_line(LEVEL_NOTICE, "%s", err.message);
    return 1;
}
