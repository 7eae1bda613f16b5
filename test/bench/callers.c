// SPDX-License-Identifier: MIT
// bench-callers: asks the broker the same thing many times, some of them at once.
//
// usage: bench-callers (status | wipe) NAME REQUESTS PARALLEL
//
// Prints three numbers: microseconds for everything, the median of one request, the longest.

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/number.h"
#include "base/protocol.h"
#include "bench.h"

#define REQUESTS_MAX 100000u
#define PARALLEL_MAX 500u
#define PATIENCE_MS  60000

static int ask(const struct request_name *request)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = PROTOCOL_BROKER_SOCKET };
    int                fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connecting to the broker");
    if (send(fd, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        die("asking");
    return fd;
}

static void hear(int fd)
{
    struct reply reply;

    if (recv(fd, &reply, sizeof reply, 0) != (ssize_t)sizeof reply || reply.magic != PROTOCOL_MAGIC)
        die("hearing");
    if (reply.kind != ERROR_NONE) {
        (void)fprintf(stderr, "bench-callers: %.*s\n", (int)sizeof reply.message, reply.message);
        exit(1);
    }
    (void)close(fd); // it was only a connection
}

// As soon as one is answered the next is asked; fills took_us, one a request.
static void run(uint64_t *took_us, const struct request_name *request, unsigned n_requests,
                unsigned n_parallel)
{
    static struct pollfd waiting[PARALLEL_MAX];
    static uint64_t      from_us[PARALLEL_MAX];
    unsigned             n_asked = 0, n_done = 0;

    for (; n_asked < n_parallel; n_asked++) {
        from_us[n_asked] = now_us();
        waiting[n_asked] = (struct pollfd){ .fd = ask(request), .events = POLLIN };
    }
    while (n_done < n_requests) {
        int n_ready = poll(waiting, n_parallel, PATIENCE_MS);
        if (n_ready < 0 && errno == EINTR)
            continue;
        if (n_ready <= 0)
            die("waiting for the broker");
        for (unsigned i = 0; i < n_parallel; i++) {
            if (waiting[i].fd < 0 || !waiting[i].revents)
                continue;
            hear(waiting[i].fd);
            took_us[n_done++] = now_us() - from_us[i];
            waiting[i].fd = -1;
            if (n_asked < n_requests) {
                from_us[i] = now_us();
                waiting[i].fd = ask(request);
                n_asked++;
            }
        }
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

int main(int argc, char **argv)
{
    struct request_name request = { .header = { PROTOCOL_MAGIC, 0, sizeof request } };
    struct error        err = { 0 };
    uint32_t            n_requests = 0, n_parallel = 0;

    if (argc != 5 || instance_name_set(&request.name, argv[2], &err) < 0 ||
        number_parse_u32(&n_requests, argv[3], 1, REQUESTS_MAX, &err) < 0 ||
        number_parse_u32(&n_parallel, argv[4], 1, MIN(PARALLEL_MAX, n_requests), &err) < 0) {
        (void)fputs("usage: bench-callers (status | wipe) NAME REQUESTS PARALLEL\n", stderr);
        return 2;
    }
    request.header.verb = strcmp(argv[1], "wipe") == 0 ? VERB_INSTANCE_WIPE : VERB_INSTANCE_STATUS;
    uint64_t *took_us = calloc(n_requests, sizeof *took_us);
    if (!took_us)
        die("allocating");
    uint64_t from_us = now_us();
    run(took_us, &request, n_requests, n_parallel);
    uint64_t total_us = now_us() - from_us;
    qsort(took_us, n_requests, sizeof *took_us, compare);
    (void)printf("%llu %llu %llu\n", (unsigned long long)total_us,
                 (unsigned long long)took_us[n_requests / 2],
                 (unsigned long long)took_us[n_requests - 1]);
    free(took_us);
    return 0;
}
