// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "pak/encoding.h"
#include "unit.h"

static void test_texts_become_utf_8(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        const char    *want;
    } cases[] = {
        { BYTES(""), "" },
        { BYTES("plain\r\n\ttext"), "plain\r\n\ttext" },
        { BYTES("ends\0here"), "ends" },
        { BYTES("\a\x1b[1m\x7f"), "??[1m?" },
        { BYTES("\xef\xbb\xbf\xc3\xa4"), "ä" },
        { BYTES("\xef\xbb"), "ï»" },
        { BYTES("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "ä€😀" },
        { BYTES("\xe4\xf6\xfc\xdf"), "äöüß" },
        { BYTES("\x93quoted\x94 \x96 \x80 5\x85"), "“quoted” – € 5…" },
        { BYTES("\x81\x8d\x8f\x90\x9d"), "?????" },
        { BYTES("\x82\x9f\xa0\xff"), "‚Ÿ\xc2\xa0ÿ" },
        { BYTES("\xc3\xa4 and \xe4"), "ä and ä" },
        { BYTES("\xc2\x85"), "?" },              // a control character, well-formed
        { BYTES("\xed\xa0\x80"), "í\xc2\xa0€" }, // a surrogate is not
        { BYTES("\xc0\xaf"), "À¯" },             // nor is what is overlong
        { BYTES("\xff\xfe"), "" },
        { BYTES("\xff\xfe"
                "a\0\xe4\0\xac\x20"),
          "aä€" },
        { BYTES("\xfe\xff\0a\0\xe4\x20\xac"), "aä€" },
        { BYTES("\xff\xfe\x3d\xd8\x00\xde!\0"), "😀!" },
        { BYTES("\xfe\xff\xd8\x3d\xde\x00"), "😀" },
        { BYTES("\xff\xfe\x3d\xd8"), "?" }, // the first half alone
        { BYTES("\xff\xfe\x3d\xd8x\0"), "?x" },
        { BYTES("\xff\xfe\x00\xde"), "?" }, // the second
        { BYTES("\xff\xfe"
                "a\0\0\0b\0"),
          "a" },
        { BYTES("\xff\xfe"
                "a\0b"),
          "a" },
        { BYTES("\xff\xfe\x07\0\x85\0\n\0"), "??\n" },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep)
        uint8_t *copy = malloc(cases[i].n_bytes + !cases[i].n_bytes);
        AUTO(freep)
        char        *text = NULL;
        size_t       n = 0;
        struct error err;

        memcpy(copy, cases[i].bytes, cases[i].n_bytes);
        assert_int_equal(encoding_to_utf8(&text, &n, copy, cases[i].n_bytes, &err), 0);
        assert_string_equal(text, cases[i].want);
        assert_int_equal(n, strlen(text));
    }
}

static void test_every_pair_of_bytes_gives_utf_8(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const uint8_t bytes[] = { (uint8_t)pair, (uint8_t)(pair >> 8), 0xa4 };
        AUTO(freep)
        char        *text = NULL;
        size_t       n = 0;
        struct error err;

        assert_int_equal(encoding_to_utf8(&text, &n, bytes, sizeof bytes, &err), 0);
        assert_true(n <= 3 * sizeof bytes);
        for (size_t i = 0; i < n;) {
            size_t length = text_character(text + i, n - i);
            if (length == 0)
                fail_msg("bytes %02x %02x", bytes[0], bytes[1]);
            i += length;
        }
    }
}

static void test_limit(void **state)
{
    AUTO(freep)
    uint8_t *bytes = malloc(ENCODING_BYTES_MAX + 1);
    AUTO(freep)
    char        *text = NULL;
    size_t       n = 0;
    struct error err = { 0 };

    (void)state;
    memset(bytes, 0x80, ENCODING_BYTES_MAX + 1);
    assert_int_equal(encoding_to_utf8(&text, &n, bytes, ENCODING_BYTES_MAX + 1, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(encoding_to_utf8(&text, &n, bytes, ENCODING_BYTES_MAX, &err), 0);
    assert_int_equal(n, 3 * ENCODING_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_become_utf_8),
        cmocka_unit_test(test_every_pair_of_bytes_gives_utf_8),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
