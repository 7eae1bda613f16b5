// SPDX-License-Identifier: MIT
#include "web/rate.h"
#include "unit.h"

#define NOW 1000000u

static unsigned take_all(struct rate *rate, struct throttle_key key, uint64_t now_ms)
{
    unsigned n = 0;

    while (n < 100000 && rate_take(rate, key, now_ms))
        n++;
    return n;
}

static void test_at_once_and_in_the_long_run(void **state)
{
    struct rate        *rate = rate_new(10);
    struct throttle_key one = { 7 }, other = { 7 + RATE_ROWS };

    (void)state;
    assert_int_equal(take_all(rate, one, NOW), 10 * RATE_BURST);
    assert_int_equal(take_all(rate, one, NOW + 99), 0);
    assert_int_equal(take_all(rate, one, NOW + 100), 1);
    assert_int_equal(take_all(rate, other, NOW + 100), 10 * RATE_BURST);
    assert_int_equal(take_all(rate, one, NOW + 1100), 10);
    assert_int_equal(take_all(rate, one, NOW + 1000000), 10 * RATE_BURST);
    for (unsigned i = 1; i <= 1000; i++)
        assert_int_equal(take_all(rate, one, NOW + 1000000 + i * 250), 2 + (i % 2 == 0));
    rate_free(rate);
}

static void test_without_a_limit(void **state)
{
    struct rate *rate = rate_new(0);

    (void)state;
    assert_int_equal(take_all(rate, (struct throttle_key){ 7 }, NOW), 100000);
    rate_free(rate);
}

// Many others forget the oldest, not the one who asks all the time.
static void test_who_is_remembered(void **state)
{
    struct rate        *rate = rate_new(1);
    struct throttle_key busy = { 8 };

    (void)state;
    assert_int_equal(take_all(rate, busy, NOW), RATE_BURST);
    for (unsigned i = 1; i < 100; i++) {
        assert_true(rate_take(rate, (struct throttle_key){ 8 + i * RATE_ROWS }, NOW + i));
        assert_false(rate_take(rate, busy, NOW + i));
    }
    rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once_and_in_the_long_run),
        cmocka_unit_test(test_without_a_limit),
        cmocka_unit_test(test_who_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
