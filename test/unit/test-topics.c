// SPDX-License-Identifier: MIT
#include "web/topics.h"
#include "unit.h"

#include "base/macros.h"

static void test_topics(void **state)
{
    static const struct {
        const char *text, *want; // NULL: it is refused
    } cases[] = {
        { "servers", "servers" },
        { "log:3,jobs,job:12,servers", "servers,jobs,job:12,log:3" },
        { "log:10,log:9,job:10,log:10", "job:10,log:9,log:10" },
        { "machine,users,overlays,blueprints", "blueprints,overlays,users,machine" },
        { "job:9223372036854775807", "job:9223372036854775807" },
        { "job:1,job:2,job:3,job:4,job:5,job:6,job:7,job:8",
          "job:1,job:2,job:3,job:4,job:5,job:6,job:7,job:8" },
        { "job:1,job:2,job:3,job:4,job:5,job:6,job:7,job:8,job:8",
          "job:1,job:2,job:3,job:4,job:5,job:6,job:7,job:8" },
        { "job:1,job:2,job:3,job:4,job:5,job:6,job:7,job:8,job:9", NULL },
        { "", NULL },
        { ",", NULL },
        { "servers,", NULL },
        { ",servers", NULL },
        { "Servers", NULL },
        { "server", NULL },
        { "servers:1", NULL },
        { "servers:", NULL },
        { "job", NULL },
        { "job:", NULL },
        { "players:3,log:3,servers", "servers,log:3,players:3" },
        { "players", NULL },
        { "job:0", NULL },
        { "job:-1", NULL },
        { "job:1x", NULL },
        { "job: 1", NULL },
        { "job:9223372036854775808", NULL },
        { "log:3:4", NULL },
        { "job:000000000000000000000000000000000000000000000000000000000000000000000001", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct topics topics, again;
        struct error  err = { 0 };
        char          text[TOPICS_TEXT_MAX];
        int           r = topics_parse(&topics, cases[i].text, &err);
        if ((r == 0) != !!cases[i].want)
            fail_msg("'%s'", cases[i].text);
        if (r < 0)
            continue;
        topics_text(text, &topics);
        assert_string_equal(text, cases[i].want);
        assert_int_equal(topics_parse(&again, text, &err), 0);
        assert_true(topics_are(&topics, &again));
    }
}

static void test_what_is_wanted(void **state)
{
    struct topics some, logs;
    struct error  err = { 0 };

    (void)state;
    assert_int_equal(topics_parse(&some, "servers,job:12,log:3", &err), 0);
    assert_int_equal(topics_parse(&logs, "log:3,log:4", &err), 0);
    assert_true(topics_have_changes(&some) && !topics_have_changes(&logs));
    assert_false(topics_are(&some, &logs));
    assert_true(topics_want(&some, CHANGE_SERVER, 3) && topics_want(&some, CHANGE_SERVER, 4));
    assert_true(topics_want(&some, CHANGE_JOB, 12) && !topics_want(&some, CHANGE_JOB, 13));
    assert_false(topics_want(&some, CHANGE_USER, 12) || topics_want(&logs, CHANGE_SERVER, 3));
}

#define TOPICS "servers,job:12,log:3,log:4"

static void test_places(void **state)
{
    static const struct {
        const char *text, *want; // NULL: it is refused
    } cases[] = {
        { "c142.j12-873.l3-1732659000123456-2", "c142.j12-873.l3-1732659000123456-2" },
        { "l4-5-0.l3-7-1.c1", "c1.l3-7-1.l4-5-0" },
        { "c0", "c0" },
        { "j12-0", "j12-0" },
        { "j13-5.l5-6-7.c3", "c3" },
        { "l12-5-6.j3-7", "" },
        { "", NULL },
        { ".", NULL },
        { "c1.", NULL },
        { "c1..j12-3", NULL },
        { "c", NULL },
        { "c-1", NULL },
        { "c1x", NULL },
        { "c9223372036854775808", NULL },
        { "x1", NULL },
        { "servers", NULL },
        { "j12", NULL },
        { "j12-", NULL },
        { "j-5", NULL },
        { "j12-5-6", NULL },
        { "j0-5", NULL },
        { "l3", NULL },
        { "l3-5", NULL },
        { "l3-5-", NULL },
        { "l3-5-6-7", NULL },
        { "l3-5-4294967296", NULL },
        { "l3--5-6", NULL },
        { "l3-000000000000000000000000000000000000000000000000000000000000000005-6", NULL },
    };
    struct topics topics;
    struct error  err = { 0 };

    (void)state;
    assert_int_equal(topics_parse(&topics, TOPICS, &err), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct heard heard;
        char         text[HEARD_TEXT_MAX];
        int          r = heard_parse(&heard, &topics, cases[i].text, &err);
        if ((r == 0) != !!cases[i].want)
            fail_msg("'%s'", cases[i].text);
        if (r < 0)
            continue;
        heard_text(text, &topics, &heard);
        assert_string_equal(text, cases[i].want);
    }
}

// The longest that there are fit.
static void test_the_longest(void **state)
{
    char          text[TOPICS_TEXT_MAX], place_is[HEARD_TEXT_MAX];
    struct heard  heard = { .change = INT64_MAX };
    struct topics topics = { .n = TOPICS_MAX };

    (void)state;
    for (unsigned i = 0; i < TOPICS_MAX; i++) {
        topics.list[i] = (struct topic){ TOPIC_LOG, INT64_MAX - TOPICS_MAX + (int64_t)i };
        heard.marks[i] = (struct heard_mark){ INT64_MAX, UINT32_MAX, true };
    }
    topics.list[0].kind = TOPIC_JOB;
    topics_text(text, &topics);
    assert_int_equal(strlen(text), TOPICS_MAX * 24 - 1);
    heard_text(place_is, &topics, &heard);
    assert_int_equal(strlen(place_is), 20 + (1 + 40) + 7 * (1 + 51));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_what_is_wanted),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
