// SPDX-License-Identifier: MIT
#pragma once

// The network: who is reached, from which address, how often; and listening for who comes.

#include "inside.h"

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static socklen_t inet_address(struct sockaddr_storage *ret, const char *text, int port)
{
    struct sockaddr_in6 *six = (void *)ret;
    struct sockaddr_in  *four = (void *)ret;
    char                 copy[64];
    char                *scope;

    memset(ret, 0, sizeof *ret);
    snprintf(copy, sizeof copy, "%s", text);
    if ((scope = strchr(copy, '%')))
        *scope++ = '\0';
    if (inet_pton(AF_INET, copy, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    if (scope)
        six->sin6_scope_id = if_nametoindex(scope);
    return inet_pton(AF_INET6, copy, &six->sin6_addr) == 1 ? sizeof *six : 0;
}

// Asks "ping", wants any answer. -1 with errno: refused or silent.
static long converse(int fd, bool is_connected, const struct sockaddr_storage *to, socklen_t n_to)
{
    char          answer[64];
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    if ((is_connected
             ? send(fd, "ping\n", 5, MSG_NOSIGNAL)
             : sendto(fd, "ping\n", 5, MSG_NOSIGNAL, (const struct sockaddr *)to, n_to)) < 0)
        return -1;
    if (poll(&waiting, 1, PATIENCE_MS) <= 0)
        return errno = ETIMEDOUT, -1;
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    return n == 0 ? (errno = ECONNRESET, -1) : n;
}

static void flow(const char *how, const char *address, int port)
{
    struct sockaddr_storage to;
    socklen_t               n_to = inet_address(&to, address, port);
    char                    what[128];
    bool                    is_tcp = strncmp(how, "tcp", 3) == 0;
    int                     kind = is_tcp ? SOCK_STREAM : SOCK_DGRAM;
    long                    started = now_ms(), result = -1;

    snprintf(what, sizeof what, "%s %s", how, address);
    int fd = socket(to.ss_family, kind, strcmp(how, "tcp-multipath") == 0 ? 262 : 0);
    if (n_to == 0 || fd < 0) {
        tell(what, -1);
        return;
    }
    struct timeval patience = { PATIENCE_MS / 1000, 0 };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int));
    if (strcmp(how, "tcp-fastopen") == 0)
        result = sendto(fd, "ping\n", 5, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to, n_to);
    else if (strcmp(how, "udp-unconnected") == 0)
        result = converse(fd, false, &to, n_to);
    else if (connect(fd, (struct sockaddr *)&to, n_to) == 0)
        result = converse(fd, true, &to, n_to);
    int saved = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
    close(fd);
    if (result < 0)
        say(what, "blocked", "%s after %ld ms", strerrorname_np(saved), now_ms() - started);
    else
        say(what, "done", "after %ld ms", now_ms() - started);
}

// HOW ADDRESS PORT, again and again; all at once, since some only time out.
static void attack_flow(int argc, char **argv)
{
    for (int i = 0; i + 2 < argc; i += 3)
        if (fork() == 0) {
            flow(argv[i], argv[i + 1], atoi(argv[i + 2]));
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

// Binds `from`, which need not be an address of this machine.
static void forge(const char *what, const char *from, int from_port, const char *to, int to_port)
{
    struct sockaddr_storage ours, theirs;
    socklen_t               n_ours = inet_address(&ours, from, from_port);
    socklen_t               n_theirs = inet_address(&theirs, to, to_port);
    int                     fd = socket(AF_INET6, SOCK_DGRAM, 0);

    setsockopt(fd, IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, &(int){ 1 }, sizeof(int));
    if (bind(fd, (struct sockaddr *)&ours, n_ours) < 0)
        tell(what, -1);
    else
        tell(what, sendto(fd, "ping\n", 5, MSG_NOSIGNAL, (struct sockaddr *)&theirs, n_theirs));
    close(fd);
}

// PUBLIC PRIVATE: a packet from the second to the first, and then what looks like the reply to it.
static void attack_forge(int argc, char **argv)
{
    if (argc < 2)
        return;
    forge("a source that is another's", argv[1], 5353, argv[0], 9999);
    forge("what looks like a reply", argv[0], 9999, argv[1], 5353);
}

// ADDRESS N: a datagram to each of N ports, as fast as it goes: "done" if none was refused.
static void attack_flood(int argc, char **argv)
{
    struct sockaddr_storage to;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), n = argc > 1 ? atoi(argv[1]) : 0, n_refused = 0;

    for (int port = 1; port <= n; port++) {
        socklen_t n_to = inet_address(&to, argv[0], port);
        while (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, n_to) < 0) {
            if (errno == ECONNREFUSED) // of an earlier one
                continue;
            n_refused++;
            break;
        }
    }
    close(fd);
    say("flows", n_refused ? "blocked" : "done", "%d of %d were refused", n_refused, n);
}

// Keeps one connection and talks over it every 100 ms: "done" for each answer.
static void attack_hold(int argc, char **argv)
{
    struct sockaddr_storage to;
    socklen_t               n_to = inet_address(&to, argv[0], argc > 1 ? atoi(argv[1]) : 0);
    int                     fd = socket(to.ss_family, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&to, n_to) < 0) {
        tell("connect", -1);
        return;
    }
    say("connect", "done", "held");
    for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 20); i++) {
        long result = converse(fd, true, &to, n_to);
        tell("talk", result);
        if (result < 0)
            return;
        usleep(100000);
    }
}

static void listen_on(const char *how, const char *address, int port)
{
    struct sockaddr_storage at;
    socklen_t               n_at = inet_address(&at, address, port);
    char                    what[128];
    int                     protocol = strcmp(how, "multipath") == 0 ? 262 : 0;
    int                     kind = strcmp(how, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;

    snprintf(what, sizeof what, "%s %s %d", how, address, port);
    int fd = socket(at.ss_family, kind, protocol);
    if (fd < 0) {
        tell(what, -1);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
    if (strcmp(how, "unbound") != 0 && bind(fd, (struct sockaddr *)&at, n_at) < 0)
        tell(what, -1);
    else
        tell(what, kind == SOCK_DGRAM ? 0 : listen(fd, 1));
    close(fd);
}

static void attack_listen(int argc, char **argv)
{
    for (int i = 0; i + 2 < argc; i += 3)
        listen_on(argv[i], argv[i + 1], atoi(argv[i + 2]));
}

// Listens where it has bound nothing, on a port of the kernel's choice, and waits for somebody.
static void attack_answer(int argc, char **argv)
{
    struct sockaddr_in6 at = { 0 };
    socklen_t           n_at = sizeof at;
    int                 fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)&at, &n_at) < 0) {
        tell("listen", -1);
        return;
    }
    say("port", "note", "%d", ntohs(at.sin6_port));
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    if (poll(&waiting, 1, 1000 * (argc > 0 ? atoi(argv[0]) : 5)) > 0)
        tell("accept", accept(fd, NULL, NULL));
    else
        say("accept", "blocked", "nobody came");
}
