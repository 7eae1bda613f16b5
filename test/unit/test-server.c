// SPDX-License-Identifier: MIT
#include "http-world.h"

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

// Who sends many at once has his share of the room, and no more; others have theirs.
static void test_bodies_of_one(void **state)
{
    static const char kept[] = "POST /later?a HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    static const char more[] = "POST /taken?a HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    static const char brief[] = "POST /short?a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxxx";
    static const char his[] = "POST /taken?b HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    char              body[9001];
    struct world      world;

    (void)state;
    struct http_limits limits = http_limits_default;
    limits.holder_bytes = 15000;
    limits.short_bytes = SHORT_MAX;
    world_open(&world, &limits);
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    int one = client(&world), two = client(&world), three = client(&world);
    int one_more = client(&world);
    say(one, kept);
    say(one, body);
    WAIT_FOR(&world, world.waiting);
    say(two, more);
    say(two, body);
    heard(&world, two, NULL, "503 Service Unavailable");
    say(one_more, brief);
    heard(&world, one_more, "xxx", "200 OK");
    say(three, his);
    say(three, body);
    heard(&world, three, "xxx", "200 OK");
    // What he sent has been answered.
    http_exchange_answer(TAKE(world.waiting), 200, "text/plain", "ok", 2);
    heard(&world, one, "ok", "200 OK");
    say(one, more);
    say(one, body);
    heard(&world, one, "xxx", "200 OK");
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
        cmocka_unit_test(test_bodies_of_one),
        cmocka_unit_test(test_bytes_of_many),
        cmocka_unit_test(test_draining),
        cmocka_unit_test(test_draining_what_is_asked),
        cmocka_unit_test(test_draining_what_is_on_its_way),
        cmocka_unit_test(test_closing_when_drained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
