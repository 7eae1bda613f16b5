// SPDX-License-Identifier: MIT
#include "web/password.h"
#include "unit.h"

#include <time.h>

#define PASSWORD "correct horse battery"

static void test_passwords(void **state)
{
    char         hash[PASSWORD_HASH_MAX], other[PASSWORD_HASH_MAX];
    char         text[PASSWORD_BYTES_MAX + 2];
    struct error err = { 0 };

    (void)state;
    assert_int_equal(password_hash(hash, PASSWORD, &err), 0);
    assert_int_equal(password_hash(other, PASSWORD, &err), 0);
    assert_string_not_equal(hash, other);
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_true(password_matches(hash, PASSWORD));
    assert_false(password_matches(hash, PASSWORD "."));
    assert_false(password_matches(hash, ""));
    assert_false(password_matches("", ""));
    assert_false(password_matches("no hash", PASSWORD));
    memset(text, 'x', sizeof text);
    text[PASSWORD_BYTES_MAX + 1] = '\0';
    assert_int_equal(password_check(text, &err), -1);
    text[PASSWORD_BYTES_MAX] = '\0';
    assert_int_equal(password_check(text, &err), 0);
    text[PASSWORD_BYTES_MIN - 1] = '\0';
    assert_int_equal(password_check(text, &err), -1);
    assert_string_equal(err.message, "a password has 10 to 256 bytes");
}

static uint64_t processor_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

// By the processor that is used, least of a few times: an unknown user costs what a wrong password
// does.
static void test_nobody_takes_as_long(void **state)
{
    char         hash[PASSWORD_HASH_MAX];
    uint64_t     least_us[2] = { UINT64_MAX, UINT64_MAX };
    struct error err = { 0 };

    (void)state;
    assert_int_equal(password_hash(hash, PASSWORD, &err), 0);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t began_us = processor_us();
        assert_false(password_matches(i % 2 ? hash : "", "wrong password"));
        least_us[i % 2] = MIN(least_us[i % 2], processor_us() - began_us);
    }
    assert_true(least_us[0] > least_us[1] / 2 && least_us[1] > least_us[0] / 2);
}

// ---- the hasher -------------------------------------------------------------------------------

struct answer {
    unsigned n;
    bool     is_match;
    char     hash[PASSWORD_HASH_MAX];
};

static void take(void *context, bool is_match, const char *hash)
{
    struct answer *answer = context;

    answer->n++;
    answer->is_match = is_match;
    snprintf(answer->hash, sizeof answer->hash, "%s", hash);
}

static void turn_until(sd_event *event, const unsigned *n)
{
    while (!*n)
        assert_true(sd_event_run(event, UINT64_MAX) >= 0);
}

static void test_the_hasher(void **state)
{
    struct answer  made = { 0 }, right = { 0 }, wrong = { 0 }, nobody = { 0 };
    sd_event      *event = NULL;
    struct hasher *hasher = NULL;
    struct error   err = { 0 };

    (void)state;
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(hasher_open(&hasher, event, &err), 0);
    assert_int_equal(hasher_make(hasher, "short", take, &made, &err), -1);
    assert_int_equal(hasher_make(hasher, PASSWORD, take, &made, &err), 0);
    turn_until(event, &made.n);
    assert_int_equal(hasher_match(hasher, made.hash, PASSWORD, take, &right, &err), 0);
    assert_int_equal(hasher_match(hasher, made.hash, "wrong password", take, &wrong, &err), 0);
    assert_int_equal(hasher_match(hasher, "", PASSWORD, take, &nobody, &err), 0);
    turn_until(event, &nobody.n); // in the order in which they came
    assert_true(right.n == 1 && right.is_match);
    assert_true(wrong.n == 1 && !wrong.is_match);
    assert_false(nobody.is_match);
    hasher = hasher_close(hasher);
    sd_event_unref(event);
}

static void test_its_queue(void **state)
{
    struct answer  answers[PASSWORD_QUEUE_MAX] = { 0 };
    sd_event      *event = NULL;
    struct hasher *hasher = NULL;
    struct error   err = { 0 };

    (void)state;
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(hasher_open(&hasher, event, &err), 0);
    for (size_t i = 0; i < PASSWORD_QUEUE_MAX; i++)
        assert_int_equal(hasher_match(hasher, "", PASSWORD, take, &answers[i], &err), 0);
    assert_int_equal(hasher_match(hasher, "", PASSWORD, take, &answers[0], &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    // Those who have gone are not called, and those who wait behind them do not wait for them.
    for (size_t i = 0; i + 1 < PASSWORD_QUEUE_MAX; i++)
        hasher_forget(hasher, &answers[i]);
    turn_until(event, &answers[PASSWORD_QUEUE_MAX - 1].n);
    for (size_t i = 0; i + 1 < PASSWORD_QUEUE_MAX; i++)
        assert_int_equal(answers[i].n, 0);
    assert_int_equal(hasher_match(hasher, "", PASSWORD, take, &answers[0], &err), 0);
    hasher = hasher_close(hasher); // with one under way
    assert_int_equal(answers[0].n, 0);
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_nobody_takes_as_long),
        cmocka_unit_test(test_the_hasher),
        cmocka_unit_test(test_its_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
