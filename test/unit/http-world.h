// SPDX-License-Identifier: MIT
#pragma once

// http-world: a server of src/http with a handler that does what the path asks for, and clients of
// it, for the tests of answers, of clients and of streams.

#include "http/server.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <time.h>

#define WAIT_MS   10000 // for what must come
#define TEXT_MAX  (9u << 20)
#define BODY_MAX  10000u
#define SHORT_MAX 100u
#define LARGE     (8u << 20) // more than the kernel keeps for one who does not read
#define CLIENTS   8

// ---- the server of the tests -------------------------------------------------------------------

// What the handler is asked by the path: to answer with the body, later, by a stream, or never.
struct world {
    sd_event             *event;
    struct http_server   *server;
    struct http_limits    limits;
    int                   listening;
    int                   clients[CLIENTS];
    unsigned              n_clients;
    struct http_exchange *waiting; // the last one that is not answered
    struct http_exchange *stream;
    struct http_exchange *download; // a stream that goes on as far as it is taken
    size_t                n_left;   // of it
    unsigned              n_over, n_begun;
    bool                  is_drained;
    char                 *large;
    struct http_bytes    *shared;
};

static inline bool is_path(struct http_exchange *exchange, const char *path)
{
    struct http_text text = http_exchange_request(exchange)->path;

    return text.n == strlen(path) && memcmp(text.bytes, path, text.n) == 0;
}

static inline size_t begin(void *context, struct http_exchange *exchange)
{
    struct world *world = context;

    world->n_begun++;
    *http_exchange_data(exchange) = world;
    const struct http_text query = http_exchange_request(exchange)->query;
    if (query.n == 1) // who sends it
        http_exchange_set_holder(exchange, (uint64_t)query.bytes[0]);
    if (is_path(exchange, "/denied"))
        http_exchange_answer(exchange, 403, "text/plain", "no", 2);
    return is_path(exchange, "/short") ? SHORT_MAX : BODY_MAX;
}

static inline void more(void *context, struct http_exchange *exchange)
{
    struct world *world = context;

    if (world->download != exchange)
        return;
    while (world->n_left > 0 && http_exchange_pending(exchange) == 0) {
        size_t n = MIN(world->n_left, 10000u);
        assert_true(http_exchange_write(exchange, world->large, n));
        world->n_left -= n;
    }
    if (world->n_left > 0)
        return;
    world->download = NULL;
    http_exchange_end(exchange);
}

static inline void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    struct world *world = context;

    assert_ptr_equal(*http_exchange_data(exchange), world);
    assert_int_equal(http_exchange_peer(exchange)->sa_family, AF_INET);
    if (is_path(exchange, "/later")) {
        world->waiting = exchange;
    } else if (is_path(exchange, "/stream")) {
        world->stream = exchange;
        http_exchange_stream(exchange, "text/event-stream");
    } else if (is_path(exchange, "/download")) {
        world->download = exchange;
        world->n_left = LARGE;
        http_exchange_stream(exchange, "application/octet-stream");
        more(world, exchange);
    } else if (is_path(exchange, "/large")) {
        http_exchange_answer_static(exchange, 200, "text/plain", world->large, LARGE);
    } else if (is_path(exchange, "/taken")) {
        char *taken = http_exchange_take_body(exchange);
        assert_ptr_equal(taken, body);
        assert_null(http_exchange_take_body(exchange));
        http_exchange_answer(exchange, 200, "text/plain", taken, n);
        free(taken);
    } else if (is_path(exchange, "/shared")) {
        http_exchange_answer_bytes(exchange, 200, "text/plain", world->shared);
    } else if (is_path(exchange, "/none")) {
        http_exchange_answer(exchange, 204, NULL, NULL, 0);
    } else {
        http_exchange_add(exchange, "X-Field", "of the handler");
        http_exchange_answer(exchange, 200, "text/plain", body, n);
    }
}

static inline void over(void *context, struct http_exchange *exchange)
{
    struct world *world = context;

    world->n_over++;
    if (world->waiting == exchange)
        world->waiting = NULL;
    if (world->stream == exchange)
        world->stream = NULL;
}

static const struct http_handler handler = { begin, run, over, more };

static inline void drained(void *context)
{
    ((struct world *)context)->is_drained = true;
}

static inline void world_open(struct world *world, const struct http_limits *limits)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct error       err = { 0 };

    *world = (struct world){ .limits = limits ? *limits : http_limits_default };
    world->large = malloc(LARGE);
    memset(world->large, 'x', LARGE);
    assert_true(sd_event_new(&world->event) >= 0);
    world->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(world->listening, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(listen(world->listening, 64), errno);
    if (http_server_open(&world->server, world->event, &world->listening, 1, &world->limits,
                         &handler, world, &err) < 0)
        fail_msg("%s", err.message);
}

static inline void world_close(struct world *world)
{
    world->server = http_server_close(world->server);
    assert_int_equal(world->n_over, world->n_begun);
    for (unsigned i = 0; i < world->n_clients; i++)
        (void)fd_close(world->clients[i]);
    (void)fd_close(world->listening);
    sd_event_unref(world->event);
    free(world->large);
}

static inline void turn(struct world *world)
{
    assert_true(sd_event_run(world->event, 1000) >= 0);
}

// ---- clients ----------------------------------------------------------------------------------

static inline int client(struct world *world)
{
    struct sockaddr_in address;
    socklen_t          n = sizeof address;
    int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_return_code(getsockname(world->listening, (struct sockaddr *)&address, &n), errno);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof address), errno);
    assert_true(world->n_clients < CLIENTS);
    world->clients[world->n_clients++] = fd;
    return fd;
}

static inline void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Reads until `end` has come, or the connection has its end if it is NULL. Returns the text, which
// is good until the next call.
static inline const char *hear(struct world *world, int fd, const char *end)
{
    static char text[TEXT_MAX];
    size_t      n = 0;

    for (int64_t until = now_ms() + WAIT_MS; now_ms() < until;) {
        turn(world);
        ssize_t r = recv(fd, text + n, sizeof text - n - 1, MSG_DONTWAIT);
        if (r > 0)
            n += (size_t)r;
        text[n] = '\0';
        if (end ? r > 0 && strstr(text, end) : r == 0)
            return text;
        if (r == 0 || (r < 0 && errno != EAGAIN))
            fail_msg("no '%s', but the end, after: %s", end, text);
    }
    fail_msg("no '%s' in: %s", end, text);
    return NULL;
}

static inline void heard(struct world *world, int fd, const char *end, const char *want)
{
    const char *text = hear(world, fd, end);

    if (!strstr(text, want))
        fail_msg("no '%s' in: %s", want, text);
}

#define WAIT_FOR(world, condition)                                                                 \
    do {                                                                                           \
        int64_t until_ = now_ms() + WAIT_MS;                                                       \
        while (!(condition) && now_ms() < until_)                                                  \
            turn(world);                                                                           \
        assert_true(condition);                                                                    \
    } while (0)

// Small enough that a test can wait for them.
static const struct http_limits short_limits = {
    .connections = 3,
    .idle_ms = 150,
    .head_ms = 80,
    .body_ms = 80,
    .body_bytes_s = 1000000,
    .stall_ms = 150,
    .stream_bytes = 65536,
    .bodies_bytes = 1u << 20,
    .outputs_bytes = 1u << 20,
};
