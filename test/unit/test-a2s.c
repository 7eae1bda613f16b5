// SPDX-License-Identifier: MIT
#include "game/a2s.h"
#include "unit.h"

#define INFO                                                                                       \
    "\xff\xff\xff\xffI\x11My \x1b server\0c1m1_hotel\0left4dead2\0Left 4 Dead 2\0\x26\x02\x05\x08" \
    "\x03"                                                                                         \
    "dl\0\x01"
// Ellis; one who is about to join; one whose name, score and time are made up.
#define PLAYERS                                                                                    \
    "\xff\xff\xff\xff"                                                                             \
    "D\x03\0Ellis\0\x05\0\0\0\0\0\x20\x42"                                                         \
    "\0\0\0\0\0\0\0\0\x80\x3f"                                                                     \
    "\0\x1b[31m\xff\xe2\x80\xae\0\xff\xff\xff\xff\0\0\xc0\x7f"
#define BEHIND 5u // bytes of it that nobody reads: kind, system and the rest

static void test_questions(void **state)
{
    uint8_t        ask[A2S_ASK_MAX];
    const uint32_t challenge = 0x04030201;

    (void)state;
    assert_int_equal(a2s_ask(ask, NULL), 25);
    assert_memory_equal(ask, "\xff\xff\xff\xffTSource Engine Query", 25);
    assert_int_equal(a2s_ask(ask, &challenge), 29);
    assert_memory_equal(ask + 25, &challenge, 4);
    assert_int_equal(a2s_ask_players(ask, NULL), 9);
    assert_memory_equal(ask, "\xff\xff\xff\xffU\xff\xff\xff\xff", 9);
    assert_int_equal(a2s_ask_players(ask, &challenge), 9);
    assert_memory_equal(ask + 5, &challenge, 4);
}

static void test_answers(void **state)
{
    struct a2s_answer answer;
    struct error      err = { 0 };

    (void)state;
    assert_int_equal(a2s_read(&answer,
                              BYTES("\xff\xff\xff\xff"
                                    "A\x01\x02\x03\x04"),
                              &err),
                     0);
    assert_int_equal(answer.kind, A2S_CHALLENGE);
    assert_memory_equal(&answer.challenge, "\x01\x02\x03\x04", 4);
    assert_int_equal(a2s_read(&answer, BYTES(INFO), &err), 0);
    assert_int_equal(answer.kind, A2S_INFO);
    assert_string_equal(answer.name, "My ? server");
    assert_string_equal(answer.map, "c1m1_hotel");
    assert_int_equal(answer.players, 5);
    assert_int_equal(answer.players_max, 8);
    assert_int_equal(answer.bots, 3);
    assert_int_equal(a2s_read(&answer, BYTES("\xfe\xff\xff\xff\x01\0\0\0"), &err), 0);
    assert_int_equal(answer.kind, A2S_PART);
}

static void test_players(void **state)
{
    static const struct {
        const char *name;
        int32_t     score;
        uint32_t    seconds;
    } want[] = { { "Ellis", 5, 40 }, { "", 0, 1 }, { "?[31m??", -1, 0 } };
    struct a2s_answer answer;
    struct error      err = { 0 };

    (void)state;
    assert_int_equal(a2s_read(&answer, BYTES(PLAYERS), &err), 0);
    assert_int_equal(answer.kind, A2S_PLAYERS);
    assert_int_equal(answer.n_list, ELEMENTS(want));
    for (size_t i = 0; i < ELEMENTS(want); i++) {
        assert_string_equal(answer.list[i].name, want[i].name);
        assert_int_equal(answer.list[i].score, want[i].score);
        assert_int_equal(answer.list[i].seconds, want[i].seconds);
    }
}

// As many as a byte counts, in as many bytes as there are; and fewer than were said.
static void test_many_players(void **state)
{
    uint8_t           bytes[6 + 10 * A2S_PLAYERS_MAX] = "\xff\xff\xff\xff"
                                                        "D\xff";
    struct a2s_answer answer;
    struct error      err = { 0 };

    (void)state;
    for (unsigned n = 0; n <= A2S_PLAYERS_MAX; n++) {
        assert_int_equal(a2s_read(&answer, bytes, 6 + 10 * n, &err), 0);
        assert_int_equal(answer.n_list, n);
    }
    assert_int_equal(a2s_read(&answer, bytes, sizeof bytes - 1, &err), -1);
    bytes[5] = 1; // who are more than that are not looked at
    assert_int_equal(a2s_read(&answer, bytes, sizeof bytes, &err), 0);
    assert_int_equal(answer.n_list, 1);
}

static void test_what_is_none(void **state)
{
    static const struct {
        const char    *name;
        const uint8_t *bytes;
        size_t         n;
    } cases[] = {
        { "nothing", BYTES("") },
        { "a header", BYTES("\xff\xff\xff\xff") },
        { "half a header", BYTES("\xff\xff") },
        { "rules", BYTES("\xff\xff\xff\xff"
                         "E\x01") },
        { "players without their number", BYTES("\xff\xff\xff\xff"
                                                "D") },
        { "a player without his time", BYTES("\xff\xff\xff\xff"
                                             "D\x01\0x\0\0\0\0\0\0\0\0") },
        { "a player without the end of his name", BYTES("\xff\xff\xff\xff"
                                                        "D\x01\0xxxxxxxxxxxx") },
        { "half a challenge", BYTES("\xff\xff\xff\xff"
                                    "A\x01\x02\x03") },
        { "a name without its end", BYTES("\xff\xff\xff\xffI\x11xxxx") },
    };
    struct a2s_answer answer;
    struct error      err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        if (a2s_read(&answer, cases[i].bytes, cases[i].n, &err) == 0)
            fail_msg("%s was taken", cases[i].name);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    for (size_t n = 0; n < sizeof INFO - 1 - BEHIND; n++) // every beginning, in memory of its size
        if (n > 0) {
            AUTO(freep) char *cut = malloc(n);
            memcpy(cut, INFO, n);
            assert_int_equal(a2s_read(&answer, cut, n, &err), -1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),    cmocka_unit_test(test_answers),
        cmocka_unit_test(test_players),      cmocka_unit_test(test_many_players),
        cmocka_unit_test(test_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
