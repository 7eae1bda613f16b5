// SPDX-License-Identifier: MIT
// bench-listeners: listens to the stream of events many times over, and says how late lines are.
//
// usage: bench-listeners (PORT | PATH) TOKENS OF_TOKEN LISTENERS SAMPLE TARGET SECONDS
//
// TOKENS is a file with a line for each account, of which each has OF_TOKEN streams. SAMPLE of the
// listeners, evenly spread, read at once and look at each line: what stands behind "t=" in it is
// the microsecond of CLOCK_MONOTONIC at which it was written. The others only take what has come,
// ten times a second: they are not what is measured, and this program is not to be what is slow.
//
// Prints a line when all have heard something, and after SECONDS more: listeners that are left,
// lines of the sample, and microseconds: median, 99 %, longest, until a line was read; and the same
// by the kernel's time stamp, until it had arrived at its socket, which only TCP has: without, 0.
// Of lines that are read at once the last one's counts for all, so it says too much rather than
// too little.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/macros.h"
#include "base/number.h"
#include "bench.h"

#define LISTENERS_MAX 50000u
#define TOKENS_MAX    5000u
#define TOKEN_BYTES   64u
#define LATE_MAX      50000000u // lines of the sample
#define REST_BYTES    8192u     // of a line that has not come as a whole
#define DRAIN_US      100000u

struct listener {
    int    fd; // -1: it has ended
    bool   is_sampled, has_heard;
    size_t n_rest;
    char  *rest;
};

// How late lines were, in microseconds.
struct late {
    uint32_t *us;
    size_t    n;
};

struct bench {
    const char      *place, *target;
    uint32_t         n, of_token, n_sample;
    struct listener *listeners;
    char (*tokens)[TOKEN_BYTES];
    unsigned    n_tokens;
    int         poll_fd;
    struct late read, arrived;
    uint64_t    ahead_us; // how much CLOCK_REALTIME is ahead of CLOCK_MONOTONIC
    bool        is_measuring;
    unsigned    n_heard, n_left;
};

static uint64_t ahead_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    return us_of(&now) - now_us();
}

// ---- connecting -------------------------------------------------------------------------------

static int connect_to(const char *place)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool               is_path = place[0] == '/';
    int                fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

    (void)snprintf(local.sun_path, sizeof local.sun_path, "%s", place);
    v4.sin_port = htons((uint16_t)strtoul(place, NULL, 10)); // a port of our own making
    r = is_path ? connect(fd, (struct sockaddr *)&local, sizeof local)
                : connect(fd, (struct sockaddr *)&v4, sizeof v4);
    if (fd < 0 || r < 0)
        die("connecting");
    return fd;
}

static void ask(int fd, const char *target, const char *token)
{
    char text[512];
    int  n = snprintf(text, sizeof text,
                      "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
                      target, token);

    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        die("asking");
}

static void begin(struct bench *bench, uint32_t i)
{
    struct listener   *listener = &bench->listeners[i];
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
    int                on = 1;

    listener->fd = connect_to(bench->place);
    ask(listener->fd, bench->target, bench->tokens[i / bench->of_token]);
    listener->is_sampled = i % (bench->n / bench->n_sample) == 0;
    if (!listener->is_sampled)
        return;
    listener->rest = malloc(REST_BYTES);
    if (setsockopt(listener->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
        !listener->rest || epoll_ctl(bench->poll_fd, EPOLL_CTL_ADD, listener->fd, &event) < 0)
        die("listening");
}

// ---- reading ----------------------------------------------------------------------------------

static void heard(struct bench *bench, struct listener *listener)
{
    bench->n_heard += !listener->has_heard;
    listener->has_heard = true;
}

static void end(struct bench *bench, struct listener *listener)
{
    (void)close(listener->fd);
    listener->fd = -1;
    bench->n_left--;
}

static void note(struct late *late, uint64_t then_us, uint64_t at_us)
{
    if (late->n < LATE_MAX && then_us <= at_us)
        late->us[late->n++] = (uint32_t)MIN(at_us - then_us, (uint64_t)UINT32_MAX);
}

// `arrived_us` is 0 where the kernel does not say.
static void look_at(struct bench *bench, const char *line, size_t n, uint64_t arrived_us,
                    uint64_t at_us)
{
    const char *mark = memmem(line, n, "t=", 2);

    if (!mark || n < 6 || memcmp(line, "data: ", 6) != 0 || !bench->is_measuring)
        return;
    uint64_t then_us = strtoull(mark + 2, NULL, 10); // written by the bench; a line ends it
    note(&bench->read, then_us, at_us);
    if (arrived_us)
        note(&bench->arrived, then_us, arrived_us);
}

static void take_lines(struct bench *bench, struct listener *listener, const char *bytes, size_t n,
                       uint64_t arrived_us)
{
    uint64_t at_us = now_us();

    for (const char *newline; (newline = memchr(bytes, '\n', n)); bytes = newline + 1) {
        size_t n_line = (size_t)(newline - bytes) + 1;
        if (listener->n_rest > 0 && listener->n_rest + n_line <= REST_BYTES) {
            memcpy(listener->rest + listener->n_rest, bytes, n_line);
            look_at(bench, listener->rest, listener->n_rest + n_line, arrived_us, at_us);
        } else {
            look_at(bench, bytes, n_line, arrived_us, at_us);
        }
        listener->n_rest = 0;
        n -= n_line;
    }
    if (n > 0 && listener->n_rest + n <= REST_BYTES) {
        memcpy(listener->rest + listener->n_rest, bytes, n);
        listener->n_rest += n;
    }
}

static char buffer[1 << 20];

// When the last of what was just read came to the socket.
static uint64_t arrival_us(const struct bench *bench, struct msghdr *message)
{
    struct timespec time;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            memcpy(&time, CMSG_DATA(c), sizeof time);
            return us_of(&time) - bench->ahead_us;
        }
    return 0;
}

static void read_some(struct bench *bench, struct listener *listener)
{
    char          control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec  part = { buffer, sizeof buffer };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    ssize_t n = recvmsg(listener->fd, &message, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        end(bench, listener);
        return;
    }
    if (n < 0)
        return;
    heard(bench, listener);
    if (listener->is_sampled)
        take_lines(bench, listener, buffer, (size_t)n, arrival_us(bench, &message));
}

static void drain(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->n; i++)
        if (bench->listeners[i].fd >= 0 && !bench->listeners[i].is_sampled) {
            read_some(bench, &bench->listeners[i]);
            if (i % 64 != 0)
                continue;
            // The sample is not to wait for the others.
            struct epoll_event came[64];
            int                n = epoll_wait(bench->poll_fd, came, 64, 0);
            for (int j = 0; j < n; j++)
                read_some(bench, &bench->listeners[came[j].data.u32]);
        }
}

static void turn(struct bench *bench, uint64_t *next_us)
{
    struct epoll_event came[256];
    int                n = epoll_wait(bench->poll_fd, came, 256, 5);

    for (int i = 0; i < n; i++)
        read_some(bench, &bench->listeners[came[i].data.u32]);
    if (now_us() < *next_us)
        return;
    drain(bench);
    *next_us = now_us() + DRAIN_US;
}

// ---- the whole --------------------------------------------------------------------------------

static int by_size(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

    return (a > b) - (a < b);
}

static void print_late(struct late *late)
{
    size_t n = late->n;

    qsort(late->us, n, sizeof *late->us, by_size);
    (void)printf(" %u %u %u", n ? late->us[n / 2] : 0, n ? late->us[n * 99 / 100] : 0,
                 n ? late->us[n - 1] : 0);
}

static void read_tokens(struct bench *bench, const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        die(path);
    while (bench->n_tokens < TOKENS_MAX &&
           fgets(bench->tokens[bench->n_tokens], TOKEN_BYTES, file)) {
        char *word = bench->tokens[bench->n_tokens++];
        word[strcspn(word, "\n")] = '\0';
    }
    (void)fclose(file); // it was only read
}

static uint32_t number(const char *text)
{
    struct error err = { 0 };
    uint32_t     ret = 0;

    if (number_parse_u32(&ret, text, 1, LISTENERS_MAX, &err) < 0) {
        (void)fprintf(stderr, "bench-listeners: %s\n", err.message);
        exit(2);
    }
    return ret;
}

static void measure(struct bench *bench, uint32_t seconds)
{
    uint64_t next_us = 0, until_us;

    bench->n_left = bench->n;
    for (uint32_t i = 0; i < bench->n; i++)
        bench->listeners[i].fd = -1;
    for (uint32_t i = 0; i < bench->n; i++) {
        begin(bench, i);
        if (i % 100 == 0)
            turn(bench, &next_us);
    }
    while (bench->n_heard < bench->n && bench->n_left == bench->n)
        turn(bench, &next_us);
    (void)printf("%u listen\n", bench->n_left);
    (void)fflush(stdout);
    bench->ahead_us = ahead_us();
    bench->is_measuring = true;
    for (until_us = now_us() + seconds * UINT64_C(1000000); now_us() < until_us;)
        turn(bench, &next_us);
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };

    if (argc != 8) {
        (void)fputs("usage: bench-listeners (PORT | PATH) TOKENS OF_TOKEN LISTENERS SAMPLE TARGET "
                    "SECONDS\n",
                    stderr);
        return 2;
    }
    bench.place = argv[1];
    bench.target = argv[6];
    bench.of_token = number(argv[3]);
    bench.n = number(argv[4]);
    bench.n_sample = MIN(number(argv[5]), bench.n);
    bench.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench.listeners = calloc(bench.n, sizeof *bench.listeners);
    bench.tokens = calloc(TOKENS_MAX, TOKEN_BYTES);
    bench.read.us = malloc(LATE_MAX * sizeof *bench.read.us);
    bench.arrived.us = malloc(LATE_MAX * sizeof *bench.arrived.us);
    if (bench.poll_fd < 0 || !bench.listeners || !bench.tokens || !bench.read.us ||
        !bench.arrived.us)
        die("beginning");
    read_tokens(&bench, argv[2]);
    if ((uint64_t)bench.n_tokens * bench.of_token < bench.n) {
        (void)fputs("bench-listeners: there are not enough tokens\n", stderr);
        return 2;
    }
    measure(&bench, number(argv[7]));
    (void)printf("%u %zu", bench.n_left, bench.read.n);
    print_late(&bench.read);
    print_late(&bench.arrived);
    (void)puts("");
    return 0;
}
