// SPDX-License-Identifier: MIT
// bench-sends: what it costs to send the same bytes to many sockets of this machine, and nothing
// else.
//
// usage: bench-sends LISTENERS BYTES ROUNDS
//
// What the stream of events is measured beside: a loop of send(2) over TCP connections to a process
// that only throws away what has come, ten times a second, as bench-listeners does. Prints
// microseconds of a round, the median: by one thread, and by one for each of two processors.

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/macros.h"
#include "base/number.h"

#define LISTENERS_MAX 50000u
#define BYTES_MAX     65536u
#define ROUNDS_MAX    1000u
#define DRAIN_US      100000u

struct bench {
    uint32_t n, n_bytes;
    int     *fds;
};

struct part {
    const struct bench *bench;
    uint32_t            first, step;
};

static char bytes[BYTES_MAX];

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

// ---- the one who reads -------------------------------------------------------------------------

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        die("connecting");
    return fd;
}

static void read_all(struct bench *bench, const struct sockaddr_in *address)
{
    static char taken[1 << 20];

    for (uint32_t i = 0; i < bench->n; i++)
        bench->fds[i] = connect_to(address);
    for (;;) {
        uint64_t next_us = now_us() + DRAIN_US;
        for (uint32_t i = 0; i < bench->n; i++)
            (void)!recv(bench->fds[i], taken, sizeof taken, MSG_DONTWAIT); // or there is nothing
        uint64_t at_us = now_us();
        if (at_us < next_us)
            (void)usleep((useconds_t)(next_us - at_us)); // or it is woken early
    }
}

static pid_t begin(struct bench *bench)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          n = sizeof address;
    int                on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) < 0)
        die("listening");
    pid_t reader = fork();
    if (reader < 0)
        die("fork");
    if (reader == 0)
        read_all(bench, &address);
    for (uint32_t i = 0; i < bench->n; i++) {
        bench->fds[i] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (bench->fds[i] < 0 ||
            setsockopt(bench->fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
            die("accepting");
    }
    return reader;
}

// ---- the one who sends -------------------------------------------------------------------------

static void *send_part(void *context)
{
    const struct part  *part = context;
    const struct bench *bench = part->bench;

    for (uint32_t i = part->first; i < bench->n; i += part->step)
        if (send(bench->fds[i], bytes, bench->n_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            errno != EAGAIN)
            die("sending");
    return NULL;
}

static uint64_t round_us(const struct bench *bench, uint32_t n_threads)
{
    uint64_t    begun_us = now_us();
    pthread_t   other;
    struct part parts[] = { { bench, 0, n_threads }, { bench, 1, n_threads } };

    if (n_threads > 1 && pthread_create(&other, NULL, send_part, &parts[1]) != 0)
        die("starting a thread");
    (void)send_part(&parts[0]);
    if (n_threads > 1)
        (void)pthread_join(other, NULL); // it is there
    return now_us() - begun_us;
}

static int by_size(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

static uint32_t number(const char *text, uint32_t max)
{
    struct error err = { 0 };
    uint32_t     ret = 0;

    if (number_parse_u32(&ret, text, 1, max, &err) < 0) {
        (void)fprintf(stderr, "bench-sends: %s\n", err.message);
        exit(2);
    }
    return ret;
}

int main(int argc, char **argv)
{
    static uint64_t took_us[2][ROUNDS_MAX];
    struct bench    bench = { 0 };

    if (argc != 4) {
        (void)fputs("usage: bench-sends LISTENERS BYTES ROUNDS\n", stderr);
        return 2;
    }
    bench.n = number(argv[1], LISTENERS_MAX);
    bench.n_bytes = number(argv[2], BYTES_MAX);
    uint32_t n_rounds = number(argv[3], ROUNDS_MAX);
    bench.fds = calloc(bench.n, sizeof *bench.fds);
    if (!bench.fds)
        die("beginning");
    pid_t reader = begin(&bench);
    for (uint32_t i = 0; i < n_rounds; i++)
        for (uint32_t j = 0; j < 2; j++)
            took_us[j][i] = round_us(&bench, j + 1);
    (void)kill(reader, SIGKILL); // it is our child
    (void)waitpid(reader, NULL, 0);
    for (uint32_t j = 0; j < 2; j++) {
        qsort(took_us[j], n_rounds, sizeof **took_us, by_size);
        (void)printf("%llu%c", (unsigned long long)took_us[j][n_rounds / 2], j ? '\n' : ' ');
    }
    return 0;
}
