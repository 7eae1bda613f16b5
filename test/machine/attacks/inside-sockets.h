// SPDX-License-Identifier: MIT
#pragma once

// Sockets of this machine: those of the file system, abstract ones, other families, netlink.

#include "inside.h"

static socklen_t unix_address(struct sockaddr_un *ret, const char *path)
{
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    size_t n = strlen(path);
    memcpy(ret->sun_path, path, n < sizeof ret->sun_path ? n : sizeof ret->sun_path - 1);
    if (*path == '@')
        ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path != '@'));
}

static void attack_unix(int argc, char **argv)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

    for (int i = 0; i < argc; i++) {
        struct sockaddr_un address;
        socklen_t          n = unix_address(&address, argv[i]);
        int                reason = 0;
        bool               is_done = false;
        for (size_t t = 0; t < ELEMENTS(types); t++) {
            int fd = socket(AF_UNIX, types[t], 0);
            if (fd < 0 || connect(fd, (struct sockaddr *)&address, n) < 0)
                reason = reason && errno == EPROTOTYPE ? reason : errno;
            else
                is_done = true;
            close(fd);
        }
        errno = reason;
        tell(argv[i], is_done ? 0 : -1);
    }
}

// Writes a journal entry as if it came from somewhere else.
static void attack_journal(int argc, char **argv)
{
    struct sockaddr_un address;
    char               text[512];

    int       n = snprintf(text, sizeof text, "MESSAGE=%s\n%s\n", argc > 0 ? argv[0] : "forged",
                     argc > 1 ? argv[1] : "PRIORITY=0");
    socklen_t n_address = unix_address(&address, "/run/systemd/journal/socket");
    int       fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    tell("native", sendto(fd, text, (size_t)n, 0, (struct sockaddr *)&address, n_address));
    n_address = unix_address(&address, "/run/systemd/journal/dev-log");
    tell("syslog", sendto(fd, "<0>forged", 9, 0, (struct sockaddr *)&address, n_address));
    n_address = unix_address(&address, "/run/systemd/journal/stdout");
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    tell("stdout", connect(fd, (struct sockaddr *)&address, n_address));
}

// Holds an abstract socket for a while: other servers must not meet us there.
static void attack_abstract(int argc, char **argv)
{
    struct sockaddr_un address;
    int                fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t          n = unix_address(&address, argv[0]);

    (void)argc;
    if (bind(fd, (struct sockaddr *)&address, n) < 0 || listen(fd, 4) < 0) {
        tell("listen", -1);
        return;
    }
    say("listen", "note", "ready");
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, 1000 * (argc > 1 ? atoi(argv[1]) : 5)) > 0)
        say("accept", "done", "somebody came");
}

static void attack_families(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         family, type, protocol;
    } rows[] = {
        { "packet", AF_PACKET, SOCK_RAW, 0 },
        { "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP },
        { "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
        { "vsock", 40, SOCK_STREAM, 0 },
        { "alg", 38, SOCK_SEQPACKET, 0 },
        { "bluetooth", 31, SOCK_RAW, 1 },
        { "key", 15, SOCK_RAW, 2 },
        { "tipc", 30, SOCK_RDM, 0 },
        { "can", 29, SOCK_RAW, 1 },
        { "rds", 21, SOCK_SEQPACKET, 0 },
        { "xdp", 44, SOCK_RAW, 0 },
        { "sctp", AF_INET, SOCK_STREAM, IPPROTO_SCTP },
        { "dccp", AF_INET, 6, IPPROTO_DCCP },
    };

    (void)argc;
    (void)argv;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        int fd = socket(rows[i].family, rows[i].type, rows[i].protocol);
        tell(rows[i].name, fd);
        close(fd);
    }
}

static int netlink_ask(int protocol, void *message, size_t n)
{
    char               answer[4096];
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    int                fd = socket(AF_NETLINK, SOCK_RAW, protocol);

    if (fd < 0 || sendto(fd, message, n, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        return -1;
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, PATIENCE_MS) <= 0 || recv(fd, answer, sizeof answer, 0) <= 0)
        return errno = ETIMEDOUT, -1;
    const struct nlmsghdr *head = (const void *)answer;
    if (head->nlmsg_type != NLMSG_ERROR)
        return 0;
    const struct nlmsgerr *error = NLMSG_DATA(head);
    errno = -error->error;
    return error->error ? -1 : 0;
}

static void attack_netlink(int argc, char **argv)
{
    struct {
        struct nlmsghdr  head;
        struct ifinfomsg info;
    } link = {
        { sizeof link, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0 },
        { .ifi_index = 1, .ifi_change = IFF_UP },
    };

    (void)argc;
    (void)argv;
    tell("set loopback down", netlink_ask(NETLINK_ROUTE, &link, sizeof link));

    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } begin = {
        { sizeof begin, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, 1, 0 },
        { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
    };
    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } drop = {
        { sizeof drop, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, 2,
          0 },
        { .nfgen_family = 0 },
    };
    struct {
        struct nlmsghdr head;
        struct nfgenmsg gen;
    } end = {
        { sizeof end, NFNL_MSG_BATCH_END, NLM_F_REQUEST, 3, 0 },
        { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
    };
    char batch[sizeof begin + sizeof drop + sizeof end];
    memcpy(batch, &begin, sizeof begin);
    memcpy(batch + sizeof begin, &drop, sizeof drop);
    memcpy(batch + sizeof begin + sizeof drop, &end, sizeof end);
    tell("flush ruleset", netlink_ask(NETLINK_NETFILTER, batch, sizeof batch));
}
