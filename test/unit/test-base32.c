// SPDX-License-Identifier: MIT
#include "base/base32.h"
#include "unit.h"

// Source: RFC 4648, section 10, without the padding.
static void test_texts(void **state)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        { "", "" },
        { "f", "MY" },
        { "fo", "MZXQ" },
        { "foo", "MZXW6" },
        { "foob", "MZXW6YQ" },
        { "fooba", "MZXW6YTB" },
        { "foobar", "MZXW6YTBOI" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char   text[BASE32_SIZE(6)];
        size_t n = strlen(cases[i].bytes);
        base32_encode(text, (const uint8_t *)cases[i].bytes, n);
        assert_string_equal(text, cases[i].want);
        assert_int_equal(strlen(text) + 1, BASE32_SIZE(n));
    }
}

static void test_high_bits(void **state)
{
    char text[BASE32_SIZE(20)];

    (void)state;
    base32_encode(text, (const uint8_t[20]){ [0 ... 19] = 0xff }, 20);
    assert_string_equal(text, "77777777777777777777777777777777");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_high_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
