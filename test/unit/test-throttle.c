// SPDX-License-Identifier: MIT
#include "web/throttle.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define NOW 1000000

static struct throttle_key key_of(const struct throttle *throttle, const char *text)
{
    struct sockaddr_in  v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct http_address address;

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        http_address_of(&address, (struct sockaddr *)&v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        http_address_of(&address, (struct sockaddr *)&v6);
    }
    return throttle_of_address(throttle, &address);
}

static void test_keys(void **state)
{
    static const struct {
        const char *one, *other;
        bool        is_same;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "2001:db8:1:2::1", "2001:db8:1:2:ffff::", true },
        { "2001:db8:1:2::1", "2001:db8:1:3::1", false },
    };
    struct throttle *throttle = throttle_new();

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(key_of(throttle, cases[i].one).hash ==
                             key_of(throttle, cases[i].other).hash,
                         cases[i].is_same);
    assert_true(throttle_of_account(throttle, "Bill").hash ==
                throttle_of_account(throttle, "bILL").hash);
    assert_true(throttle_of_account(throttle, "bill").hash !=
                throttle_of_account(throttle, "bil").hash);
    throttle_free(throttle);
}

static void test_it_takes_longer_each_time(void **state)
{
    struct throttle    *throttle = throttle_new();
    struct throttle_key key = throttle_of_account(throttle, "bill");
    int64_t             now = NOW;
    unsigned            n_day = 0;

    (void)state;
    for (unsigned i = 0; i < THROTTLE_FREE; i++) {
        assert_int_equal(throttle_wait_s(throttle, key, now), 0);
        assert_false(throttle_is_known(throttle, key, now));
        throttle_failed(throttle, key, now);
    }
    assert_true(throttle_is_known(throttle, key, now));
    assert_true(throttle_is_known(throttle, key, now + 60)); // it has waited, but is not forgotten
    assert_false(throttle_is_known(throttle, key, now + THROTTLE_FORGET_S));
    for (unsigned want = 1; want < THROTTLE_MAX_S; want *= 2) {
        assert_int_equal(throttle_wait_s(throttle, key, now), want);
        assert_int_equal(throttle_wait_s(throttle, key, now + want - 1), 1);
        now += want;
        assert_int_equal(throttle_wait_s(throttle, key, now), 0);
        throttle_failed(throttle, key, now);
    }
    for (int64_t end = now + 86400; now < end; n_day++) {
        assert_in_range(throttle_wait_s(throttle, key, now), 1, THROTTLE_MAX_S);
        now += throttle_wait_s(throttle, key, now);
        throttle_failed(throttle, key, now);
    }
    assert_in_range(n_day, 90, 100);
    // An hour without any, or a good one, is forgiven; nobody is locked out by a clock.
    assert_int_equal(throttle_wait_s(throttle, key, now + THROTTLE_FORGET_S), 0);
    assert_int_equal(throttle_wait_s(throttle, key, now - 10), 0);
    throttle_failed(throttle, key, now + THROTTLE_FORGET_S);
    assert_int_equal(throttle_wait_s(throttle, key, now + THROTTLE_FORGET_S), 0);
    for (unsigned i = 0; i < 20; i++)
        throttle_failed(throttle, key, now);
    assert_int_not_equal(throttle_wait_s(throttle, key, now), 0);
    throttle_succeeded(throttle, key);
    assert_int_equal(throttle_wait_s(throttle, key, now), 0);
    assert_int_equal(throttle_wait_s(throttle, key_of(throttle, "192.0.2.1"), now), 0);
    throttle_free(throttle);
}

// Strangers without number push out who was not seen for long, not who is at it now.
static void test_its_size(void **state)
{
    struct throttle    *throttle = throttle_new();
    struct throttle_key key = throttle_of_account(throttle, "bill");
    char                name[16];
    unsigned            n_kept = 0;

    (void)state;
    for (unsigned i = 0; i < 20 * THROTTLE_ROWS; i++) {
        if (i % 1024 == 0)
            for (unsigned n = 0; n < 10; n++)
                throttle_failed(throttle, key, NOW + i);
        snprintf(name, sizeof name, "%u", i);
        throttle_failed(throttle, throttle_of_account(throttle, name), NOW + i);
        n_kept += throttle_wait_s(throttle, key, NOW + i) > 0;
    }
    assert_true(n_kept > 15 * THROTTLE_ROWS);
    throttle_free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_it_takes_longer_each_time),
        cmocka_unit_test(test_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
