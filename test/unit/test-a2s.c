// SPDX-License-Identifier: MIT
#include "game/a2s.h"
#include "unit.h"

#define INFO                                                                                       \
    "\xff\xff\xff\xffI\x11My \x1b server\0c1m1_hotel\0left4dead2\0Left 4 Dead 2\0\x26\x02\x05\x08" \
    "\x03"                                                                                         \
    "dl\0\x01"
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
        { "one part of several", BYTES("\xfe\xff\xff\xffI\x11") },
        { "players", BYTES("\xff\xff\xff\xff"
                           "D\x01") },
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
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
