// SPDX-License-Identifier: MIT
#include "http-world.h"

#include <sys/resource.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
