// SPDX-License-Identifier: MIT
#include "web/totpcode.h"
#include "unit.h"

static const uint8_t secret[] = "12345678901234567890";
#define N_SECRET (sizeof secret - 1)

// Source: RFC 4226, appendix D.
static void test_numbers(void **state)
{
    static const uint32_t want[] = { 1284755224, 1094287082, 137359152, 1726969429, 1640338314,
                                     868254676,  1918287922, 82162583,  673399871,  645520489 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(want); i++)
        assert_int_equal(totp_number(secret, N_SECRET, i), want[i]);
}

// Source: RFC 6238, appendix B, those of SHA-1; its codes have eight digits.
static void test_times(void **state)
{
    static const struct {
        int64_t  unix_s;
        uint32_t want;
    } cases[] = {
        { 59, 94287082 },         { 1111111109, 7081804 },  { 1111111111, 14050471 },
        { 1234567890, 89005924 }, { 2000000000, 69279037 }, { 20000000000, 65353130 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint64_t step = (uint64_t)cases[i].unix_s / TOTP_STEP_S;
        char     code[16];
        int64_t  found = 0;
        assert_int_equal(totp_number(secret, N_SECRET, step) % 100000000, cases[i].want);
        snprintf(code, sizeof code, "%06u", cases[i].want % 1000000);
        assert_true(totp_check(&found, secret, N_SECRET, code, cases[i].unix_s));
        assert_int_equal(found, step);
    }
}

// Clocks differ, but not by more than a step.
static void test_clocks(void **state)
{
    static const struct {
        int64_t now_unix_s;
        bool    want;
    } cases[] = {
        { 1234567890 - 60, false }, { 1234567890 - 30, true }, { 1234567890, true },
        { 1234567890 + 30, true },  { 1234567890 + 59, true }, { 1234567890 + 60, false },
    };
    int64_t step = 0;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(totp_check(&step, secret, N_SECRET, "005924", cases[i].now_unix_s),
                         cases[i].want);
        if (cases[i].want)
            assert_int_equal(step, 1234567890 / 30);
    }
}

static void test_what_is_no_code(void **state)
{
    static const char *const cases[] = { "",       "5924",   "05924", "0005924",
                                         "005925", "00592 ", "+05924" };
    int64_t                  step = -1;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_false(totp_check(&step, secret, N_SECRET, cases[i], 1234567890));
    assert_int_equal(step, -1);
    // At the beginning of time there is no step before it.
    (void)totp_check(&step, secret, N_SECRET, "755224", 0);
    assert_int_equal(step, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_what_is_no_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
