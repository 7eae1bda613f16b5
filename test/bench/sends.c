// SPDX-License-Identifier: MIT
// bench-sends: what it costs to send the same bytes to many sockets of this machine, and nothing
// else.
//
// usage: bench-sends LISTENERS BYTES ROUNDS
//
// What the stream of events is measured beside: a loop of send(2) over TCP connections to a process
// that only throws away what has come, ten times a second, as bench-listeners does.
//
// Prints microseconds. Of a round, the median: by one thread, and by two that share the work. Of a
// line, median and 99 %: if lines came a hundred times a second while two threads make one round
// after the other and do nothing else, and each waited for the next send to its listener. Whoever
// sends what is new to all of them, over and over again, cannot be faster here.

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/macros.h"
#include "base/number.h"
#include "bench.h"

#define LISTENERS_MAX 50000u
#define BYTES_MAX     65536u
#define ROUNDS_MAX    1000u
#define DRAIN_US      100000u
#define STEP          16u // sends that a thread takes at once
#define SAMPLE_STEP   50u // one of so many listeners is looked at
#define LINE_US       10000u
#define WAITS_MAX     20000u // of one listener

struct bench {
    uint32_t    n, n_bytes;
    int        *fds;
    atomic_uint next; // to whom nobody has sent in this round
    uint32_t    round;
    uint64_t (*sent_us)[ROUNDS_MAX]; // of each of the sample
};

static char bytes[BYTES_MAX];

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

static void send_one(struct bench *bench, uint32_t i)
{
    if (send(bench->fds[i], bytes, bench->n_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
        errno != EAGAIN)
        die("sending");
    if (i % SAMPLE_STEP == 0)
        bench->sent_us[i / SAMPLE_STEP][bench->round] = now_us();
}

static void *send_some(void *context)
{
    struct bench *bench = context;

    for (uint32_t at; (at = atomic_fetch_add(&bench->next, STEP)) < bench->n;)
        for (uint32_t i = at; i < MIN(at + STEP, bench->n); i++)
            send_one(bench, i);
    return NULL;
}

static uint64_t round_us(struct bench *bench, bool has_other)
{
    uint64_t  begun_us = now_us();
    pthread_t other;

    atomic_store(&bench->next, 0);
    if (has_other && pthread_create(&other, NULL, send_some, bench) != 0)
        die("starting a thread");
    (void)send_some(bench);
    if (has_other)
        (void)pthread_join(other, NULL); // it is there
    return now_us() - begun_us;
}

static int by_size(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

static uint64_t part_of(uint64_t *us, size_t n, unsigned percent)
{
    qsort(us, n, sizeof *us, by_size);
    return n > 0 ? us[n * percent / 100] : 0;
}

// How long lines would have waited for the next send, of each of the sample.
static size_t find_waits(uint64_t **ret, const struct bench *bench, uint32_t n_rounds)
{
    size_t    n = 0, n_sample = (bench->n - 1) / SAMPLE_STEP + 1;
    uint64_t *waits_us = malloc(n_sample * WAITS_MAX * sizeof *waits_us);

    if (!waits_us)
        die("counting");
    for (size_t i = 0; i < n_sample; i++) {
        const uint64_t *sent_us = bench->sent_us[i];
        uint64_t        line_us = sent_us[0];
        for (uint32_t j = 1; j < n_rounds; j++)
            for (; line_us <= sent_us[j] && n < n_sample * WAITS_MAX; line_us += LINE_US)
                waits_us[n++] = sent_us[j] - line_us;
    }
    *ret = waits_us;
    return n;
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
    uint64_t       *waits_us = NULL;

    if (argc != 4) {
        (void)fputs("usage: bench-sends LISTENERS BYTES ROUNDS\n", stderr);
        return 2;
    }
    bench.n = number(argv[1], LISTENERS_MAX);
    bench.n_bytes = number(argv[2], BYTES_MAX);
    uint32_t n_rounds = number(argv[3], ROUNDS_MAX);
    bench.fds = calloc(bench.n, sizeof *bench.fds);
    bench.sent_us = calloc(bench.n / SAMPLE_STEP + 1, sizeof *bench.sent_us);
    if (!bench.fds || !bench.sent_us)
        die("beginning");
    pid_t reader = begin(&bench);
    for (uint32_t i = 0; i < 2; i++)
        for (bench.round = 0; bench.round < n_rounds; bench.round++)
            took_us[i][bench.round] = round_us(&bench, i > 0);
    (void)kill(reader, SIGKILL); // it is our child
    (void)waitpid(reader, NULL, 0);
    size_t n = find_waits(&waits_us, &bench, n_rounds);
    (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                 part_of(took_us[0], n_rounds, 50), part_of(took_us[1], n_rounds, 50),
                 part_of(waits_us, n, 50), part_of(waits_us, n, 99));
    free(waits_us);
    return 0;
}
