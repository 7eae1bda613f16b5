// SPDX-License-Identifier: MIT
#include "http-world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
