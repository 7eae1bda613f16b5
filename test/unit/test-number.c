// SPDX-License-Identifier: MIT
#include "unit.h"
#include "base/number.h"

static void test_u64_takes_only_digits_in_range(void **state)
{
    static const struct {
        const char *text;
        uint64_t    min, max, want;
        bool        is_valid;
    } cases[] = {
        { "0", 0, 10, 0, true },
        { "10", 0, 10, 10, true },
        { "11", 0, 10, 0, false },
        { "0", 1, 10, 0, false },
        { "007", 0, 10, 7, true },
        { "", 0, 10, 0, false },
        { "+1", 0, 10, 0, false },
        { "-1", 0, 10, 0, false },
        { " 1", 0, 10, 0, false },
        { "1 ", 0, 10, 0, false },
        { "0x1", 0, 10, 0, false },
        { "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, true },
        { "18446744073709551616", 0, UINT64_MAX, 0, false },
        { "99999999999999999999999", 0, UINT64_MAX, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        uint64_t     value = 4711;
        int          r = number_parse_u64(&value, cases[i].text, cases[i].min, cases[i].max, &err);
        assert_int_equal(r, cases[i].is_valid ? 0 : -1);
        assert_int_equal(value, cases[i].is_valid ? cases[i].want : 4711);
        assert_int_equal(err.kind, cases[i].is_valid ? ERROR_NONE : ERROR_INVALID);
    }
}

static void test_bytes_take_one_binary_suffix(void **state)
{
    static const struct {
        const char *text;
        uint64_t    want; // 0: refused
    } cases[] = {
        { "1", 1 },
        { "64M", UINT64_C(64) << 20 },
        { "4G", UINT64_C(4) << 30 },
        { "1T", UINT64_C(1) << 40 },
        { "2K", 2048 },
        { "4g", 0 },
        { "4GB", 0 },
        { "G", 0 },
        { "4 G", 0 },
        { "16777216T", 0 },
        { "18446744073709551615K", 0 },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        uint64_t     value = 0;
        int          r = number_parse_bytes(&value, cases[i].text, 1, UINT64_C(1) << 50, &err);
        assert_int_equal(r, cases[i].want ? 0 : -1);
        assert_int_equal(value, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64_takes_only_digits_in_range),
        cmocka_unit_test(test_bytes_take_one_binary_suffix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
