// SPDX-License-Identifier: MIT
#include "work/census.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER        7
#define LIMIT_US      UINT64_C(30000000)
#define CHALLENGE     "\x0a\x0b\x0c\xff"
#define ONE           "\xff\xff\xff\xff"
#define INFO(n, bots) ONE "I\x11Name\0c1m1\0left4dead2\0L4D2\0\x26\x02" n "\x08" bots "dl\0\x01"
#define ELLIS         "\0Ellis\0\x05\0\0\0\0\0\x20\x42"
// One of three of the same answer.
#define PART(number, text) "\xfe\xff\xff\xff\x01\0\0\0\x03" number "\xe0\x04" text

struct bytes {
    const char *bytes;
    size_t      n;
};
#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

// A game that answers each question by the next of these; the last one again and again.
struct script {
    struct bytes info[6], players[6];
    struct bytes behind[3]; // each answer of the second kind
};

struct world {
    sd_event                 *event;
    sd_event_source          *source;
    struct census            *census;
    int                       fd, other_fd; // the game, and somebody else
    uint16_t                  port;
    const struct script      *script;
    const struct census_pace *pace;
    unsigned                  n_info, n_players; // questions
    unsigned                  n_told;
    bool                      is_silent, is_known;
    struct census_answer      said;
    struct a2s_player         first;
};

static const struct census_pace quick = {
    .soon_ms = 20, .seldom_ms = 60, .n_misses = 3, .accuracy_ms = 1
};

static void told(void *context, int64_t server, const struct census_answer *answer)
{
    struct world *world = context;

    assert_int_equal(server, SERVER);
    world->is_known = answer != NULL;
    if (answer) {
        world->said = *answer;
        if (answer->n_list)
            world->first = answer->list[0];
        world->said.list = NULL; // it is borrowed
        assert_string_equal(answer->map, "c1m1");
        world->said.map = NULL;
    }
    world->n_told++;
}

static void send_row(const struct bytes *row, int fd, const struct sockaddr_in *to)
{
    if (row->bytes)
        sendto(fd, row->bytes, row->n, 0, (const struct sockaddr *)to, sizeof *to);
}

static void answer(const struct bytes rows[6], unsigned n, int fd, const struct sockaddr_in *to)
{
    while (n > 0 && (n >= 6 || !rows[n].bytes))
        n--;
    send_row(&rows[n], fd, to);
}

static int on_question(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct world      *world = context;
    uint8_t            bytes[64];
    struct sockaddr_in from = { 0 };
    socklen_t          n_from = sizeof from;
    ssize_t            n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n_from);
    static const char  lie[] = INFO("\x63", "\0");

    (void)source;
    (void)events;
    assert_true(n > 5);
    sendto(world->other_fd, lie, sizeof lie - 1, 0, (struct sockaddr *)&from, sizeof from);
    if (world->is_silent)
        return 0;
    if (bytes[4] == 'T') {
        answer(world->script->info, world->n_info++, fd, &from);
        return 0;
    }
    answer(world->script->players, world->n_players++, fd, &from);
    for (unsigned i = 0; i < ELEMENTS(world->script->behind); i++)
        send_row(&world->script->behind[i], fd, &from);
    return 0;
}

static int open_port(uint16_t *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t          n = sizeof address;
    int                fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(getsockname(fd, (struct sockaddr *)&address, &n), errno);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static struct world begin(const struct script *script)
{
    struct world world = { .script = script, .pace = &quick };
    uint16_t     ignored;

    assert_return_code(sd_event_new(&world.event), 0);
    world.fd = open_port(&world.port);
    world.other_fd = open_port(&ignored);
    return world;
}

// Until it was told so often.
static void run(struct world *world, unsigned n)
{
    struct error err = { 0 };

    if (!world->census) {
        assert_return_code(
            sd_event_add_io(world->event, &world->source, world->fd, EPOLLIN, on_question, world),
            0);
        assert_int_equal(census_open(&world->census, world->event, world->pace, told, world, &err),
                         0);
        assert_int_equal(census_add(world->census, SERVER, world->port, &err), 0);
    }
    while (world->n_told < n)
        assert_return_code(sd_event_run(world->event, UINT64_MAX), 0);
}

static void end(struct world *world)
{
    world->census = census_close(world->census);
    sd_event_source_disable_unref(world->source);
    sd_event_unref(world->event);
    close(world->fd);
    close(world->other_fd);
}

static void test_who_plays(void **state)
{
    static const struct script script = {
        .info = { TEXT(ONE "A" CHALLENGE), TEXT(INFO("\x02", "\x01")) },
        .players = { TEXT(ONE "D\x02" ELLIS ELLIS) },
    };
    struct world world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_int_equal(world.said.n_humans, 1);
    assert_int_equal(world.said.n_bots, 1);
    assert_int_equal(world.said.n_max, 8);
    assert_true(world.said.has_names);
    assert_int_equal(world.said.n_list, 2);
    assert_string_equal(world.first.name, "Ellis");
    assert_int_equal(world.first.seconds, 40);
    assert_int_equal(world.n_info, 2);
    assert_int_equal(world.n_players, 1);
    end(&world);
}

// Who they are is not asked where nobody is.
static void test_nobody(void **state)
{
    static const struct script script = { .info = { TEXT(INFO("\x03", "\x03")) } };
    struct world               world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_int_equal(world.said.n_humans, 0);
    assert_true(world.said.has_names);
    assert_int_equal(world.said.n_list, 0);
    assert_int_equal(world.n_players, 0);
    end(&world);
}

// What is no answer to the question counts for nothing; the next round gets one.
static void test_what_is_none(void **state)
{
    static const char          large[A2S_DATAGRAM_MAX + 1] = INFO("\x01", "\0");
    static const struct script scripts[] = {
        { .info = { TEXT(ONE "nonsense"), TEXT(INFO("\0", "\0")) } },
        { .info = { TEXT(ONE "I\x11Name\0c1m1"), TEXT(INFO("\0", "\0")) } },
        { .info = { TEXT(ONE "D\x01" ELLIS), TEXT(INFO("\0", "\0")) } },
        { .info = { TEXT("\xfe\xff\xff\xff\x01\0\0\0\x02\0"), TEXT(INFO("\0", "\0")) } },
        { .info = { { large, sizeof large }, TEXT(INFO("\0", "\0")) } },
        { .info = { TEXT(""), TEXT(INFO("\0", "\0")) } },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(scripts); i++) {
        struct world world = begin(&scripts[i]);
        run(&world, 1);
        assert_int_equal(world.said.n_humans, 0);
        assert_int_equal(world.n_info, 2);
        end(&world);
    }
}

// In whatever order they come, and one of them twice; the first and the last are not enough.
static void test_parts(void **state)
{
    static const struct script script = {
        .info = { TEXT(INFO("\x02", "\0")) },
        .players = { TEXT(PART("\x02", "\x42")), TEXT(PART("\0", ONE "D\x02" ELLIS)) },
        .behind = { TEXT(PART("\x02", "\x42")), TEXT(PART("\0", ONE "D\x02" ELLIS)),
                    TEXT(PART("\x01", "\0Nick\0\x05\0\0\0\0\0\x20")) },
    };
    struct script incomplete = script;
    struct world  world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_true(world.said.has_names);
    assert_int_equal(world.said.n_list, 2);
    assert_string_equal(world.first.name, "Ellis");
    assert_int_equal(world.n_players, 1);
    incomplete.behind[2] = (struct bytes){ 0 };
    world.script = &incomplete;
    run(&world, 2);
    assert_false(world.said.has_names);
    assert_int_equal(world.said.n_humans, 2);
    census_remove(world.census, SERVER); // with parts of an answer
    world.census = census_close(world.census);
    end(&world);
}

// The count is known, the names are not: half an answer, a compressed one, a cut one, and none at
// all.
static void test_without_names(void **state)
{
    static const struct script scripts[] = {
        { .info = { TEXT(INFO("\x05", "\0")) }, .players = { TEXT("\xfe\xff\xff\xff\x01\0\0\0") } },
        { .info = { TEXT(INFO("\x05", "\0")) },
          .players = { TEXT(PART("\0", ONE "D\x01" ELLIS)) } },
        { .info = { TEXT(INFO("\x05", "\0")) },
          .players = { TEXT("\xfe\xff\xff\xff\x01\0\0\x80\x01\0\xe0\x04" ONE "D\x01" ELLIS) } },
        { .info = { TEXT(INFO("\x05", "\0")) }, .players = { TEXT(ONE "D\x02" ELLIS "\0Ni") } },
        { .info = { TEXT(INFO("\x05", "\0")) } },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(scripts); i++) {
        struct world world = begin(&scripts[i]);
        run(&world, 1);
        assert_int_equal(world.said.n_humans, 5);
        assert_false(world.said.has_names);
        assert_int_equal(world.said.n_list, 0);
        end(&world);
    }
}

// As many as fit into a datagram, and a count that says more.
static void test_many(void **state)
{
    static char         bytes[6 + 139 * 10] = ONE "D\xff";
    const struct script script = { .info = { TEXT(INFO("\xff", "\0")) },
                                   .players = { { bytes, sizeof bytes } } };
    struct world        world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_int_equal(world.said.n_humans, 255);
    assert_int_equal(world.said.n_list, 139);
    assert_string_equal(world.first.name, "");
    end(&world);
}

// It is asked a few times in a round, and not as often as it wants.
static void test_a_challenge_without_end(void **state)
{
    static const struct script script = {
        .info = { TEXT(ONE "A" CHALLENGE), TEXT(ONE "A" CHALLENGE), TEXT(ONE "A" CHALLENGE),
                  TEXT(ONE "A" CHALLENGE), TEXT(INFO("\0", "\0")) },
    };
    struct world world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_int_equal(world.n_info, 5); // four of them in the first round
    end(&world);
}

// It is not empty: nothing is known of it, after some rounds; and when it answers again, all is.
static void test_silence(void **state)
{
    static const struct script script = { .info = { TEXT(INFO("\x01", "\0")) },
                                          .players = { TEXT(ONE "D\x01" ELLIS) } };
    struct world               world = begin(&script);

    (void)state;
    run(&world, 1);
    assert_true(world.is_known);
    world.is_silent = true;
    run(&world, world.n_told + 1);
    assert_false(world.is_known);
    world.is_silent = false;
    run(&world, world.n_told + 1);
    assert_true(world.is_known);
    end(&world);
}

// A round that would come in an hour comes at once, and others after it.
static void test_who_looks_on(void **state)
{
    static const struct script      script = { .info = { TEXT(INFO("\0", "\0")) } };
    static const struct census_pace seldom = { .soon_ms = 20, .seldom_ms = 3600000, .n_misses = 3 };
    struct world                    world = begin(&script);

    (void)state;
    world.pace = &seldom;
    run(&world, 2); // the second of one that was not known before the first
    census_watch(world.census);
    run(&world, 5);
    end(&world);
}

static void test_it_is_asked_anew(void **state)
{
    static const struct script script = { .info = { TEXT(INFO("\0", "\0")) } };
    struct world               world = begin(&script);
    struct error               err = { 0 };

    (void)state;
    run(&world, 1);
    census_remove(world.census, SERVER);
    census_remove(world.census, SERVER);
    assert_int_equal(census_add(world.census, SERVER, world.port, &err), 0);
    run(&world, 2);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_plays),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_without_names),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_a_challenge_without_end),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_who_looks_on),
        cmocka_unit_test(test_it_is_asked_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
