// SPDX-License-Identifier: MIT
#include "unit.h"
#include "base/text.h"

static void test_only_clean_text_comes_out(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        const char    *want;
    } cases[] = {
        { BYTES(""), "" },
        { BYTES("plain\ttext"), "plain\ttext" },
        { BYTES("a\x1b[31mb\r\n\x7f"), "a?[31mb???" },
        { BYTES("nul\0inside"), "nul?inside" },
        { BYTES("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xae"), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xae" },
        { BYTES("\xc0\xaf"), "??" },           // overlong
        { BYTES("\xe0\x80\xaf"), "???" },      // overlong
        { BYTES("\xed\xa0\x80"), "???" },      // surrogate
        { BYTES("\xf4\x90\x80\x80"), "????" }, // above U+10FFFF
        { BYTES("\xff\xfe"), "??" },
        { BYTES("cut\xe2\x82"), "cut??" },
        { BYTES("\xc2\x9b"
                "0m"),
          "?0m" }, // C1 control
        { BYTES("a\xe2\x80\xae"
                "b\xe2\x81\xa9"),
          "a?b?" },                                     // U+202E, U+2069
        { BYTES("\xd7\x90\xe2\x80\x8f"), "\xd7\x90?" }, // a letter from right to left, U+200F
        { BYTES("\xe2\x80"), "??" },                    // half of one
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char out[64];
        assert_int_equal(text_sanitize(out, sizeof out, cases[i].bytes, cases[i].n_bytes),
                         strlen(cases[i].want));
        assert_string_equal(out, cases[i].want);
    }
}

static void test_no_character_is_cut(void **state)
{
    char out[8];

    (void)state;
    for (size_t room = 1; room <= sizeof out; room++) {
        size_t n = text_sanitize(out, room, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9);
        assert_true(n < room);
        assert_int_equal(n % 3, 0);
    }
}

static void test_lengths_of_characters(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        size_t         want; // 0: there is no character
        bool           is_control;
    } cases[] = {
        { BYTES(""), 0, false },
        { BYTES("ab"), 1, false },
        { BYTES("\0"), 1, true },
        { BYTES("\x1f"), 1, true },
        { BYTES("\t"), 1, true },
        { BYTES("\x7f"), 1, true },
        { BYTES("\x80"), 0, false },
        { BYTES("\xbf"), 0, false },
        { BYTES("\xc1\xbf"), 0, false }, // overlong
        { BYTES("\xc2\x80"), 2, true },
        { BYTES("\xc2\x9f"), 2, true },
        { BYTES("\xc2\xa0"), 2, false },
        { BYTES("\xdf\xbf!"), 2, false },
        { BYTES("\xc3\xc3"), 0, false },
        { BYTES("\xe0\x9f\xbf"), 0, false }, // overlong
        { BYTES("\xe0\xa0\x80"), 3, false },
        { BYTES("\xed\x9f\xbf"), 3, false },
        { BYTES("\xed\xa0\x80"), 0, false }, // the first surrogate
        { BYTES("\xee\x80\x80"), 3, false },
        { BYTES("\xe2\x82\x2c"), 0, false },
        { BYTES("\xf0\x8f\xbf\xbf"), 0, false }, // overlong
        { BYTES("\xf0\x90\x80\x80"), 4, false },
        { BYTES("\xf4\x8f\xbf\xbf"), 4, false },
        { BYTES("\xf4\x90\x80\x80"), 0, false }, // above U+10FFFF
        { BYTES("\xf5\x80\x80\x80"), 0, false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(text_character(cases[i].bytes, cases[i].n_bytes), cases[i].want);
        assert_int_equal(text_is_control(cases[i].bytes, cases[i].want), cases[i].is_control);
        for (size_t n = 0; n < cases[i].want; n++) { // cut off
            AUTO(freep) uint8_t *copy = malloc(n + 1);
            memcpy(copy, cases[i].bytes, n);
            assert_int_equal(text_character(copy, n), 0);
        }
    }
}

static void test_marks_of_direction(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        bool           is_direction;
    } cases[] = {
        { BYTES(""), false },
        { BYTES("a"), false },
        { BYTES("\xd8\x9b"), false },
        { BYTES("\xd8\x9c"), true }, // U+061C
        { BYTES("\xd8\x9d"), false },
        { BYTES("\xe2\x80\x8d"), false }, // joins two characters into one
        { BYTES("\xe2\x80\x8e"), true },  // U+200E
        { BYTES("\xe2\x80\x8f"), true },
        { BYTES("\xe2\x80\x90"), false },
        { BYTES("\xe2\x80\xa9"), false },
        { BYTES("\xe2\x80\xaa"), true }, // U+202A
        { BYTES("\xe2\x80\xac"), true },
        { BYTES("\xe2\x80\xae"), true },
        { BYTES("\xe2\x80\xaf"), false },
        { BYTES("\xe2\x81\xa5"), false },
        { BYTES("\xe2\x81\xa6"), true }, // U+2066
        { BYTES("\xe2\x81\xa9"), true },
        { BYTES("\xe2\x81\xaa"), false },
        { BYTES("\xf0\x9f\x8e\xae"), false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(text_is_direction(cases[i].bytes, cases[i].n_bytes),
                         cases[i].is_direction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_of_characters),
        cmocka_unit_test(test_marks_of_direction),
        cmocka_unit_test(test_only_clean_text_comes_out),
        cmocka_unit_test(test_no_character_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
