// SPDX-License-Identifier: MIT
#include "http/server.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
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

static bool is_path(struct http_exchange *exchange, const char *path)
{
    struct http_text text = http_exchange_request(exchange)->path;

    return text.n == strlen(path) && memcmp(text.bytes, path, text.n) == 0;
}

static size_t begin(void *context, struct http_exchange *exchange)
{
    struct world *world = context;

    world->n_begun++;
    *http_exchange_data(exchange) = world;
    if (is_path(exchange, "/denied"))
        http_exchange_answer(exchange, 403, "text/plain", "no", 2);
    return is_path(exchange, "/short") ? SHORT_MAX : BODY_MAX;
}

static void more(void *context, struct http_exchange *exchange)
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

static void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
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

static void over(void *context, struct http_exchange *exchange)
{
    struct world *world = context;

    world->n_over++;
    if (world->waiting == exchange)
        world->waiting = NULL;
    if (world->stream == exchange)
        world->stream = NULL;
}

static const struct http_handler handler = { begin, run, over, more };

static void drained(void *context)
{
    ((struct world *)context)->is_drained = true;
}

static void world_open(struct world *world, const struct http_limits *limits)
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

static void world_close(struct world *world)
{
    world->server = http_server_close(world->server);
    assert_int_equal(world->n_over, world->n_begun);
    for (unsigned i = 0; i < world->n_clients; i++)
        (void)fd_close(world->clients[i]);
    (void)fd_close(world->listening);
    sd_event_unref(world->event);
    free(world->large);
}

static void turn(struct world *world)
{
    assert_true(sd_event_run(world->event, 1000) >= 0);
}

// ---- clients ----------------------------------------------------------------------------------

static int client(struct world *world)
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

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Reads until `end` has come, or the connection has its end if it is NULL. Returns the text, which
// is good until the next call.
static const char *hear(struct world *world, int fd, const char *end)
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

static void heard(struct world *world, int fd, const char *end, const char *want)
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

// ---- answers ----------------------------------------------------------------------------------

static void test_an_answer(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const char *text = hear(&world, fd, "hello");
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\nDate: ", 23), 0);
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"));
    assert_non_null(strstr(text, "\r\nX-Field: of the handler\r\n\r\nhello"));
    assert_null(strstr(text, "Connection:"));
    say(fd, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    text = hear(&world, fd, "\r\n\r\n");
    assert_int_equal(strncmp(text, "HTTP/1.1 204 No Content\r\n", 25), 0);
    assert_null(strstr(text, "Content-Length"));
    say(fd, "HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, fd, "\r\n\r\n", "\r\nContent-Length: 8388608\r\n");
    say(fd, "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    heard(&world, fd, NULL, "\r\nConnection: close\r\n");
    world_close(&world);
}

// Each byte by itself, and all at once.
static void test_in_pieces(void **state)
{
    static const char text[] = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                               "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfghi"
                               "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct world      world;

    (void)state;
    world_open(&world, NULL);
    int one = client(&world), all = client(&world);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        assert_int_equal(send(one, text + i, 1, MSG_NOSIGNAL), 1);
        turn(&world);
    }
    say(all, text);
    for (unsigned i = 0; i < 2; i++) {
        const char *came = hear(&world, i ? all : one, NULL);
        const char *first = strstr(came, "\r\n\r\nabcdeHTTP/1.1 200");
        assert_non_null(first);
        assert_non_null(strstr(first, "\r\n\r\nfghiHTTP/1.1 200"));
    }
    assert_int_equal(world.n_begun, 6);
    world_close(&world);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *want;
        unsigned    n_begun;
    } cases[] = {
        { "GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 Bad Request\r\n", 0 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"
          "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
          "HTTP/1.1 400 Bad Request\r\n", 0 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10001\r\n\r\n",
          "HTTP/1.1 413 Content Too Large\r\n", 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "", 1 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc",
          "HTTP/1.1 400 Bad Request\r\n", 1 },
        { "POST /denied HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nGET / HTTP/1.1\r\n",
          "HTTP/1.1 403 Forbidden\r\n", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world;
        world_open(&world, NULL);
        int fd = client(&world);
        say(fd, cases[i].text);
        if (*cases[i].want) {
            const char *text = hear(&world, fd, NULL);
            if (strncmp(text, cases[i].want, strlen(cases[i].want)) != 0)
                fail_msg("%zu: %s", i, text);
            assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
            assert_null(strstr(text + 9, "HTTP/1.1 ")); // one answer, not two
        } else {
            WAIT_FOR(&world, world.n_begun == 1);
        }
        assert_int_equal(world.n_begun, cases[i].n_begun);
        world_close(&world);
    }
}

// A head that is too long, in pieces without the end of a line.
static void test_too_long_a_line(void **state)
{
    static char  piece[1024];
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /");
    memset(piece, 'a', sizeof piece);
    for (size_t n = 0; n <= HTTP_REQUEST_MAX; n += sizeof piece)
        assert_int_equal(send(fd, piece, sizeof piece, MSG_NOSIGNAL), sizeof piece);
    heard(&world, fd, NULL, "HTTP/1.1 414 URI Too Long\r\n");
    world_close(&world);
}

// What is announced costs nothing; what comes and is too large is refused when it is too large.
static void test_too_much_in_chunks(void **state)
{
    static char  piece[4096];
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send(fd, piece, sizeof piece, MSG_NOSIGNAL), sizeof piece);
    heard(&world, fd, NULL, "HTTP/1.1 413 Content Too Large\r\n");
    world_close(&world);
}

static void test_what_it_waits_for(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    heard(&world, fd, "\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "abc");
    heard(&world, fd, "abc", "HTTP/1.1 200 OK\r\n");
    say(fd, "POST /denied HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
            "Expect: 100-continue\r\n\r\n");
    assert_int_equal(strncmp(hear(&world, fd, NULL), "HTTP/1.1 403 Forbidden\r\n", 24), 0);
    world_close(&world);
}

// The answer of a handler that needs time, also to a client that has asked more meanwhile.
static void test_later(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world), other = client(&world);
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    for (unsigned i = 0; i < 2; i++) {
        WAIT_FOR(&world, world.waiting);
        say(other, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        heard(&world, other, "\r\n\r\n", "200 OK");
        http_exchange_answer(world.waiting, 200, "text/plain", i ? "second" : "first", i ? 6 : 5);
        heard(&world, fd, i ? "second" : "first", "200 OK");
        assert_null(i ? world.waiting : NULL);
    }
    // One who is gone when it comes.
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.waiting);
    struct linger now = { 1, 0 };
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), errno);
    (void)fd_close(fd);
    world.clients[0] = -1;
    WAIT_FOR(&world, !world.waiting);
    world_close(&world);
}

// All bodies together have a limit, whether the handler has taken them or not; who comes when it is
// reached is told so, and there is room again when others have been answered.
static void test_many_bodies(void **state)
{
    static const char head[] = "POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    char              body[9001];
    struct world      world;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.bodies_bytes = 15000;
    world_open(&world, &limits);
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    int one = client(&world), other = client(&world);
    say(one, head);
    say(one, body + 1);
    WAIT_FOR(&world, world.n_begun == 1);
    say(other, head);
    say(other, body);
    heard(&world, other, NULL, "503 Service Unavailable");
    for (unsigned i = 0; i < 3; i++) {
        say(one, i == 0 ? "x" : head);
        say(one, i == 0 ? "" : body);
        heard(&world, one, "xxx", "200 OK");
        WAIT_FOR(&world, world.n_over == i + 2);
    }
    world_close(&world);
}

// The last quarter of the room is for short ones: who fills the rest with large ones keeps nobody
// from logging in.
static void test_room_for_short_bodies(void **state)
{
    static const char kept[] = "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    static const char large[] = "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n";
    static const char brief[] = "POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxxx";
    char              body[9001];
    struct world      world;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.bodies_bytes = 15000; // of which the first one takes BODY_MAX
    limits.short_bytes = SHORT_MAX;
    world_open(&world, &limits);
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    int one = client(&world), two = client(&world), three = client(&world);
    say(one, kept);
    say(one, body);
    WAIT_FOR(&world, world.waiting);
    say(two, large);
    say(two, body + 6000);
    heard(&world, two, NULL, "503 Service Unavailable");
    say(three, brief);
    heard(&world, three, "xxx", "200 OK");
    world_close(&world);
}

// The same bytes for all of them, who have them also when nobody else needs them any more.
static void test_bytes_of_many(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    world.shared = http_bytes_new(world.server, 5);
    memcpy(http_bytes_at(world.shared), "hello", 5);
    int one = client(&world), other = client(&world);
    say(one, "GET /shared HTTP/1.1\r\nHost: a\r\n\r\nGET /shared HTTP/1.1\r\nHost: a\r\n\r\n");
    say(other, "HEAD /shared HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    WAIT_FOR(&world, world.n_over == 3);
    world.shared = http_bytes_unref(world.shared);
    heard(&world, one, "hello", "\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK");
    const char *text = hear(&world, other, NULL);
    assert_non_null(strstr(text, "\r\nContent-Length: 5\r\n"));
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    world_close(&world);
}

// ---- slow and silent clients -------------------------------------------------------------------

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

static void test_slow_ones(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "GET / HTTP/1.1\r\nHost", "HTTP/1.1 408 Request Timeout\r\n" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
          "HTTP/1.1 408 Request Timeout\r\n" },
        { "GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 No Content\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world;
        world_open(&world, &short_limits);
        int fd = client(&world);
        say(fd, cases[i].text);
        const char *text = hear(&world, fd, NULL);
        if (strncmp(text, cases[i].want, strlen(cases[i].want)) != 0 || (!*cases[i].want && *text))
            fail_msg("%zu: %s", i, text);
        world_close(&world);
    }
}

static void test_who_does_not_read(void **state)
{
    const int    small = 4096;
    struct world world;

    (void)state;
    world_open(&world, &short_limits);
    int fd = client(&world), other = client(&world);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.n_begun == 1);
    say(other, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    heard(&world, other, NULL, "200 OK");
    WAIT_FOR(&world, world.n_over == 2);
    WAIT_FOR(&world, http_server_connections(world.server) == 0);
    world_close(&world);
}

// Whoever takes a little now and then is ended as well: many of him would fill the place of all.
static void test_who_reads_slowly(void **state)
{
    static char  bytes[65536];
    const int    small = 4096;
    struct world world;
    size_t       n = 0;

    (void)state;
    struct http_limits limits = short_limits;
    limits.stall_ms = 1000; // that he keeps to
    limits.body_bytes_s = 100000000;
    world_open(&world, &limits);
    int fd = client(&world);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.n_begun == 1);
    for (int64_t until = now_ms() + 60000, next = 0; world.n_over == 0 && now_ms() < until;) {
        turn(&world);
        if (world.n_over > 0 || now_ms() < next) // the error that ends it is told once
            continue;
        next = now_ms() + 50;
        n += (size_t)MAX(recv(fd, bytes, 8192, MSG_DONTWAIT), (ssize_t)0);
    }
    assert_int_equal(world.n_over, 1);
    // The kernel keeps nothing for him either.
    ssize_t r;
    while ((r = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        n += (size_t)r;
    assert_int_equal(r, -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(n < LARGE);
    world_close(&world);
}

// They are answered, but nobody waits for all of one's.
static void test_many_at_once(void **state)
{
    static const char one[] = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
    char              text[500 * (sizeof one - 1) + 1];
    struct world      world;
    unsigned          n = 0;

    (void)state;
    for (size_t at = 0; at < sizeof text - 1; at += sizeof one - 1)
        memcpy(text + at, one, sizeof one);
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, text);
    for (int64_t until = now_ms() + WAIT_MS; world.n_begun < 500 && now_ms() < until;) {
        turn(&world);
        if (world.n_begun > n + 32)
            fail_msg("%u in one turn", world.n_begun - n);
        n = world.n_begun;
    }
    assert_int_equal(world.n_begun, 500);
    world_close(&world);
}

// It has asked, and then said that it says nothing more: it can still hear.
static void test_half_closed(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world), other = client(&world);
    say(fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    say(other, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_return_code(shutdown(fd, SHUT_WR), errno);
    assert_return_code(shutdown(other, SHUT_WR), errno);
    const char *text = hear(&world, fd, NULL);
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), LARGE);
    WAIT_FOR(&world, world.waiting);
    http_exchange_answer(world.waiting, 200, "text/plain", "late", 4);
    heard(&world, other, NULL, "late");
    world_close(&world);
}

static void test_their_number(void **state)
{
    struct world world;

    (void)state;
    struct http_limits limits = short_limits;
    limits.idle_ms = limits.head_ms = 60000;
    world_open(&world, &limits);
    int idle = client(&world);
    WAIT_FOR(&world, http_server_connections(world.server) == 1);
    int waiting = client(&world), last = client(&world);
    say(waiting, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    say(last, "GET / HT");
    WAIT_FOR(&world, world.waiting && http_server_connections(world.server) == 3);
    // The one that does nothing makes room.
    int one = client(&world);
    say(one, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, one, "\r\n\r\n", "200 OK");
    assert_string_equal(hear(&world, idle, NULL), "");
    // And then whoever did nothing longest.
    int two = client(&world);
    say(two, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.n_begun == 3);
    assert_string_equal(hear(&world, one, NULL), "");
    // Whoever has begun to ask and does not go on is next; one who was asked for nothing stays.
    int three = client(&world);
    say(three, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, three, "\r\n\r\n", "200 OK");
    assert_string_equal(hear(&world, last, NULL), "");
    // Without one that can go, the next one waits for its turn.
    int four = client(&world);
    say(four, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    for (unsigned i = 0; i < 20; i++)
        turn(&world);
    assert_int_equal(http_server_connections(world.server), 3);
    http_exchange_end(world.stream);
    heard(&world, four, "\r\n\r\n", "204 No Content");
    world_close(&world);
}

// Whoever has as many as he may have gives one up for another: one that is of no use to him, and if
// there is none the new one.
static void test_those_of_one_address(void **state)
{
    struct world world;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.of_address = 2;
    world_open(&world, &limits);
    int idle = client(&world), stream = client(&world);
    say(stream, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream && http_server_connections(world.server) == 2);
    int other = client(&world);
    say(other, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.waiting);
    assert_string_equal(hear(&world, idle, NULL), "");
    int late = client(&world);
    assert_string_equal(hear(&world, late, NULL), "");
    http_exchange_answer(world.waiting, 204, NULL, NULL, 0);
    heard(&world, other, "\r\n\r\n", "204 No Content");
    int next = client(&world);
    say(next, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, next, "\r\n\r\n", "204 No Content");
    assert_int_equal(http_server_connections(world.server), 2);
    world_close(&world);
}

static void test_those_of_a_proxy(void **state)
{
    struct http_proxies proxies = { 0 };
    struct error        err = { 0 };
    struct world        world;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.of_address = 2;
    limits.proxies = &proxies;
    assert_int_equal(http_proxies_add(&proxies, "127.0.0.0/8", &err), 0);
    world_open(&world, &limits);
    for (unsigned i = 0; i < 5; i++)
        (void)client(&world);
    WAIT_FOR(&world, http_server_connections(world.server) == 5);
    world_close(&world);
}

// Half heads without number, of one who means harm: an honest one is served all the same.
static void test_half_heads(void **state)
{
    struct world world;
    int          half[CLIENTS - 1];

    (void)state;
    struct http_limits limits = short_limits;
    limits.head_ms = limits.idle_ms = 60000;
    world_open(&world, &limits);
    for (size_t i = 0; i < ELEMENTS(half); i++) {
        half[i] = client(&world);
        say(half[i], "GET / HTTP/1.1\r\nHost: ");
        turn(&world);
    }
    int fd = client(&world);
    say(fd, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, fd, "\r\n\r\n", "204 No Content");
    world_close(&world);
}

// The head stays where it is while a body comes that has no room behind it yet.
static void test_a_long_head(void **state)
{
    static char  text[HTTP_REQUEST_MAX + 16];
    struct world world;

    (void)state;
    world_open(&world, NULL);
    for (size_t n_filler = 1900; n_filler < 16200; n_filler += 701) {
        int n = snprintf(
            text, sizeof text,
            "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nX-Filler: %0*d\r\n\r\n",
            (int)n_filler, 0);
        assert_in_range(n, 1, HTTP_REQUEST_MAX);
        int fd = client(&world);
        say(fd, text);
        memset(text, 'b', 5000);
        text[5000] = '\0';
        say(fd, text);
        assert_int_equal(strlen(strstr(hear(&world, fd, "bbb"), "\r\n\r\n")) > 4, true);
        (void)fd_close(fd);
        world.n_clients--;
        WAIT_FOR(&world, http_server_connections(world.server) == 0);
    }
    world_close(&world);
}

// Short of descriptors the one that does nothing makes room, too.
static void test_without_descriptors(void **state)
{
    struct world  world;
    struct rlimit limit, few;

    (void)state;
    world_open(&world, NULL);
    int idle = client(&world), asking = -1;
    WAIT_FOR(&world, http_server_connections(world.server) == 1);
    int one = client(&world);
    WAIT_FOR(&world, http_server_connections(world.server) == 2);
    asking = client(&world);
    say(asking, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_return_code(getrlimit(RLIMIT_NOFILE, &limit), errno);
    int next = dup(0);
    (void)fd_close(next);
    few = (struct rlimit){ (rlim_t)next, limit.rlim_max };
    assert_return_code(setrlimit(RLIMIT_NOFILE, &few), errno);
    heard(&world, asking, "\r\n\r\n", "204 No Content");
    assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
    assert_string_equal(hear(&world, idle, NULL), "");
    assert_int_equal(recv(one, &(char){ 0 }, 1, MSG_DONTWAIT), -1); // one was enough
    assert_int_equal(errno, EAGAIN);
    world_close(&world);
}

// ---- streams ----------------------------------------------------------------------------------

static void test_a_stream(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, &short_limits);
    int fd = client(&world);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, fd, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n");
    int64_t until = now_ms() + 400; // longer than any limit: it waits for us, not we for it
    while (now_ms() < until)
        turn(&world);
    assert_true(http_exchange_write(world.stream, "data: 1\n\n", 9));
    heard(&world, fd, "1\n\n\r\n", "9\r\ndata: 1\n\n\r\n");
    assert_true(http_exchange_write(world.stream, "data: 2\n\n", 9));
    http_exchange_end(world.stream);
    heard(&world, fd, NULL, "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    WAIT_FOR(&world, !world.stream);
    world_close(&world);
}

static void test_a_stream_of_1_0(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /stream HTTP/1.0\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    assert_true(http_exchange_write(world.stream, "data: 1\n\n", 9));
    http_exchange_end(world.stream);
    const char *text = hear(&world, fd, NULL);
    assert_null(strstr(text, "chunked"));
    assert_non_null(strstr(text, "\r\n\r\ndata: 1\n\n"));
    world_close(&world);
}

// What was asked is of the bytes that were read, which nobody keeps for days.
static void test_what_a_stream_forgets(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /stream?a=b HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    const struct http_request *request = http_exchange_request(world.stream);
    assert_int_equal(request->method, HTTP_GET);
    assert_true(!request->path.bytes && request->path.n == 0);
    assert_true(!request->query.bytes && !request->fields[HTTP_COOKIE].bytes);
    world_close(&world);
}

// It has heard all that it will: it does not stay as long as whoever listens.
static void test_the_head_of_a_stream(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, &short_limits);
    int fd = client(&world);
    say(fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    assert_true(http_exchange_write(world.stream, "data: 1\n\n", 9));
    const char *text = hear(&world, fd, NULL);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    assert_null(world.stream);
    world_close(&world);
}

// It is told that it is behind, is kept within its limit, and ends when it takes nothing for long.
static void test_a_reader_that_stands(void **state)
{
    static const char piece[1000];
    const int         small = 4096;
    struct world      world;
    unsigned          n_refused = 0;

    (void)state;
    world_open(&world, &short_limits);
    int fd = client(&world);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    for (unsigned i = 0; i < 20000 && n_refused == 0; i++)
        n_refused += !http_exchange_write(world.stream, piece, sizeof piece);
    assert_int_equal(n_refused, 1);
    assert_true(http_exchange_pending(world.stream) <= world.limits.stream_bytes + 2000);
    WAIT_FOR(&world, !world.stream);
    world_close(&world);
}

// What is written as the client takes it does not pile up.
static void test_as_much_as_is_taken(void **state)
{
    struct world world;
    size_t       n = 0;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /download HTTP/1.0\r\n\r\n");
    WAIT_FOR(&world, world.download && http_exchange_pending(world.download) > 0);
    assert_true(world.n_left > 0);
    for (ssize_t r = -1; r != 0;) {
        char bytes[65536];
        turn(&world);
        r = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        assert_true(r >= 0 || errno == EAGAIN);
        n += r > 0 ? (size_t)r : 0;
    }
    assert_true(n > LARGE && n < LARGE + 1000);
    assert_int_equal(world.n_over, 1);
    world_close(&world);
}

// Of those who do not read their answers only so much is kept together.
static void test_all_that_is_kept(void **state)
{
    static char  body[BODY_MAX + 1];
    const int    small = 4096;
    struct world world;
    unsigned     n = 0;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.outputs_bytes = 100000;
    world_open(&world, &limits);
    memset(body, 'b', BODY_MAX);
    int fd = client(&world), other = client(&world);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    while (http_exchange_write(world.stream, body, BODY_MAX))
        assert_true(++n < 10000);
    assert_in_range(http_exchange_pending(world.stream), 1, limits.outputs_bytes);
    say(other, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.n_begun == 2);
    world_close(&world);
}

// The same bytes, framed for each as his protocol wants it.
static void test_bytes_for_many(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int new = client(&world), old = client(&world);
    say(new, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    struct http_exchange *exchanges[2] = { world.stream };
    world.stream = NULL;
    say(old, "GET /stream HTTP/1.0\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    exchanges[1] = world.stream;
    struct http_bytes *bytes = http_bytes_new(world.server, 12);
    memcpy(http_bytes_at(bytes), "data: both\n\n", 12);
    bool are_kept[2] = { false };
    http_exchanges_write_bytes(exchanges, are_kept, 2, bytes);
    for (size_t i = 0; i < 2; i++) {
        assert_true(are_kept[i]);
        assert_true(http_exchange_write_bytes(exchanges[i], bytes));
        http_exchange_end(exchanges[i]);
    }
    bytes = http_bytes_unref(bytes);
    heard(&world, new, NULL, "\r\n\r\nc\r\ndata: both\n\n\r\nc\r\ndata: both\n\n\r\n0\r\n\r\n");
    const char *text = hear(&world, old, NULL);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\ndata: both\n\ndata: both\n\n");
    assert_null(http_bytes_new(world.server, SIZE_MAX));
    assert_null(http_bytes_new(world.server, world.limits.outputs_bytes));
    world_close(&world);
}

#define LINES 8000u // more than the kernel keeps

// In each of the ways in which it can be written.
static bool is_taken(struct world *world, unsigned n, const char *line, struct http_bytes *bytes)
{
    bool is_kept = false;

    if (n % 3 == 0)
        return http_exchange_write(world->stream, line, strlen(line));
    if (n % 3 == 1)
        return http_exchange_write_bytes(world->stream, bytes);
    http_exchanges_write_bytes(&world->stream, &is_kept, 1, bytes);
    return is_kept;
}

// Whatever is taken comes, and in its order, however slowly it is read.
static void test_the_order_of_what_is_taken(void **state)
{
    static char  text[TEXT_MAX];
    char         line[1024];
    struct world world;
    unsigned     n = 0, n_read = 0;
    size_t       n_text = 0;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /stream HTTP/1.0\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    for (int64_t until = now_ms() + WAIT_MS; n < LINES && now_ms() < until;) {
        size_t n_line = (size_t)snprintf(line, sizeof line, "line %01000u\n", n);
        AUTO(http_bytes_unrefp) struct http_bytes *bytes = http_bytes_new(world.server, n_line);
        memcpy(http_bytes_at(bytes), line, n_line);
        if (is_taken(&world, n, line, bytes)) {
            n++;
            continue;
        }
        ssize_t r = recv(fd, text + n_text, 65536, MSG_DONTWAIT);
        n_text += (size_t)MAX(r, (ssize_t)0);
        assert_true(sd_event_run(world.event, 0) >= 0);
    }
    assert_int_equal(n, LINES);
    http_exchange_end(world.stream);
    for (ssize_t r = 1; r != 0;) {
        assert_true(sd_event_run(world.event, 0) >= 0);
        r = recv(fd, text + n_text, sizeof text - n_text - 1, MSG_DONTWAIT);
        n_text += (size_t)MAX(r, (ssize_t)0);
    }
    for (const char *at = strstr(text, "\r\n\r\n") + 4; *at; at += strlen(line), n_read++) {
        snprintf(line, sizeof line, "line %01000u\n", n_read);
        assert_memory_equal(at, line, strlen(line));
    }
    assert_int_equal(n_read, n);
    world_close(&world);
}

static void test_a_reader_that_leaves(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world);
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.stream);
    (void)fd_close(fd);
    world.clients[0] = -1;
    WAIT_FOR(&world, !world.stream);
    assert_int_equal(http_server_connections(world.server), 0);
    world_close(&world);
}

// ---- the end ----------------------------------------------------------------------------------

static void test_draining(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int idle = client(&world), fd = client(&world);
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    WAIT_FOR(&world, world.waiting && http_server_connections(world.server) == 2);
    http_server_drain(world.server, drained, &world);
    assert_string_equal(hear(&world, idle, NULL), "");
    assert_false(world.is_drained);
    int late = client(&world); // it stays in the queue, for the next process
    http_exchange_answer(world.waiting, 200, "text/plain", "last", 4);
    const char *text = hear(&world, fd, NULL);
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_null(strstr(strstr(text, "last"), "HTTP/1.1"));
    (void)shutdown(fd, SHUT_WR);
    WAIT_FOR(&world, world.is_drained);
    assert_int_equal(recv(late, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    world_close(&world);
}

// Who has asked before he could know of the end is answered.
static void test_draining_what_is_asked(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fd = client(&world), served = client(&world);
    say(served, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, served, "\r\n\r\n", "204 No Content");
    WAIT_FOR(&world, http_server_connections(world.server) == 2);
    say(fd, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    say(served, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    http_server_drain(world.server, drained, &world);
    heard(&world, fd, NULL, "\r\nConnection: close\r\n");
    heard(&world, served, NULL, "\r\nConnection: close\r\n");
    (void)shutdown(fd, SHUT_WR);
    (void)shutdown(served, SHUT_WR);
    WAIT_FOR(&world, world.is_drained);
    world_close(&world);
}

// And who asks when it has begun, by a connection that he has had for long, or has just made.
static void test_draining_what_is_on_its_way(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, NULL);
    int fresh = client(&world), served = client(&world), silent = client(&world);
    say(served, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, served, "\r\n\r\n", "204 No Content");
    WAIT_FOR(&world, http_server_connections(world.server) == 3);
    http_server_drain(world.server, drained, &world);
    assert_int_equal(http_server_connections(world.server), 3);
    say(fresh, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    say(served, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    heard(&world, fresh, NULL, "\r\nConnection: close\r\n");
    heard(&world, served, NULL, "\r\nConnection: close\r\n");
    assert_string_equal(hear(&world, silent, NULL), "");
    (void)shutdown(fresh, SHUT_WR);
    (void)shutdown(served, SHUT_WR);
    WAIT_FOR(&world, world.is_drained);
    world_close(&world);
}

// Whoever waited for the end may close the server there and then.
static void close_drained(void *context)
{
    struct world *world = context;

    world->server = http_server_close(world->server);
    world->is_drained = true;
}

static void test_closing_when_drained(void **state)
{
    static const bool is_late[] = { false, true };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(is_late); i++) {
        struct world       world;
        struct http_limits limits = short_limits;
        limits.stall_ms = 50;
        world_open(&world, &limits);
        int fd = client(&world);
        say(fd, is_late[i] ? "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
                           : "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        WAIT_FOR(&world, world.n_begun == 1);
        http_server_drain(world.server, close_drained, &world);
        if (!is_late[i])
            (void)shutdown(fd, SHUT_WR);
        WAIT_FOR(&world, world.is_drained);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_in_pieces),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_long_a_line),
        cmocka_unit_test(test_too_much_in_chunks),
        cmocka_unit_test(test_what_it_waits_for),
        cmocka_unit_test(test_later),
        cmocka_unit_test(test_many_bodies),
        cmocka_unit_test(test_room_for_short_bodies),
        cmocka_unit_test(test_bytes_of_many),
        cmocka_unit_test(test_slow_ones),
        cmocka_unit_test(test_who_does_not_read),
        cmocka_unit_test(test_who_reads_slowly),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_their_number),
        cmocka_unit_test(test_those_of_one_address),
        cmocka_unit_test(test_those_of_a_proxy),
        cmocka_unit_test(test_half_heads),
        cmocka_unit_test(test_a_long_head),
        cmocka_unit_test(test_without_descriptors),
        cmocka_unit_test(test_a_stream),
        cmocka_unit_test(test_a_stream_of_1_0),
        cmocka_unit_test(test_what_a_stream_forgets),
        cmocka_unit_test(test_the_head_of_a_stream),
        cmocka_unit_test(test_a_reader_that_stands),
        cmocka_unit_test(test_as_much_as_is_taken),
        cmocka_unit_test(test_all_that_is_kept),
        cmocka_unit_test(test_bytes_for_many),
        cmocka_unit_test(test_the_order_of_what_is_taken),
        cmocka_unit_test(test_a_reader_that_leaves),
        cmocka_unit_test(test_draining),
        cmocka_unit_test(test_draining_what_is_asked),
        cmocka_unit_test(test_draining_what_is_on_its_way),
        cmocka_unit_test(test_closing_when_drained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
