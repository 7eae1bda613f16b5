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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_clean_text_comes_out),
        cmocka_unit_test(test_no_character_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
