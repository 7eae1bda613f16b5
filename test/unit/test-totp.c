// SPDX-License-Identifier: MIT
#include "store/totp.h"
#include "store-things.h"

static struct secret_hash codes[USER_RECOVERY_CODES];

static void make_codes(void)
{
    char word[SECRET_WORD_MAX];

    for (size_t i = 0; i < ELEMENTS(codes); i++)
        secret_make(word, &codes[i], SECRET_RECOVERY);
}

static struct user_totp begin(struct database *db, int64_t user, uint8_t byte)
{
    struct user_totp totp = { .n = 20 };
    struct error     err = { 0 };

    memset(totp.bytes, byte, totp.n);
    if (STORED(db, user_totp_begin(db, user, &things_key, &totp, &err)) < 0)
        fail_msg("%s", err.message);
    return totp;
}

static bool has_totp(struct database *db, int64_t id)
{
    struct user  user;
    struct error err = { 0 };

    assert_int_equal(user_find(&user, db, id, &err), 0);
    return user.has_totp;
}

static void test_a_second_factor(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    struct user_totp totp = { 0 };
    struct error     err = { 0 };

    make_codes();
    assert_int_equal(user_totp_find(&totp, db, bill, &things_key, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(user_totp_begun(&totp, db, bill, &things_key, &err), -1);
    assert_int_equal(STORED(db, user_totp_confirm(db, bill, 5, codes, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    (void)begin(db, bill, 7);
    struct user_totp begun = begin(db, bill, 8); // the last one counts
    assert_false(has_totp(db, bill));
    assert_int_equal(user_totp_begun(&totp, db, bill, &things_key, &err), 0);
    assert_int_equal(totp.n, begun.n);
    assert_memory_equal(totp.bytes, begun.bytes, begun.n);
    assert_int_equal(STORED(db, user_totp_use(db, bill, 5, &err)), -1); // not yet
    assert_int_equal(STORED(db, user_totp_confirm(db, bill, 5, codes, &err)), 0);
    assert_true(has_totp(db, bill));
    assert_int_equal(user_totp_find(&totp, db, bill, &things_key, &err), 0);
    assert_memory_equal(totp.bytes, begun.bytes, begun.n);
    assert_int_equal(totp.last_step, 5);
    assert_int_equal(user_totp_begun(&totp, db, bill, &things_key, &err), -1);
    // While another one is begun the old one counts.
    (void)begin(db, bill, 9);
    assert_int_equal(user_totp_find(&totp, db, bill, &things_key, &err), 0);
    assert_int_equal(totp.bytes[0], 8);
}

static void test_a_code_counts_once(void **state)
{
    static const struct {
        int64_t step;
        int     want;
    } cases[] = { { 5, -1 }, { 6, 0 }, { 6, -1 }, { 5, -1 }, { 9, 0 }, { 8, -1 }, { 10, 0 } };
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    struct error     err = { 0 };

    make_codes();
    (void)begin(db, bill, 7);
    assert_int_equal(STORED(db, user_totp_confirm(db, bill, 5, codes, &err)), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(STORED(db, user_totp_use(db, bill, cases[i].step, &err)), cases[i].want);
        if (cases[i].want < 0)
            assert_int_equal(err.kind, ERROR_DENIED);
    }
}

static void test_recovery_codes(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    unsigned           n = 0;
    struct secret_hash old;
    struct error       err = { 0 };

    make_codes();
    (void)begin(db, bill, 7);
    assert_int_equal(STORED(db, user_totp_confirm(db, bill, 5, codes, &err)), 0);
    assert_int_equal(user_recovery_count(&n, db, bill, &err), 0);
    assert_int_equal(n, USER_RECOVERY_CODES);
    assert_int_equal(STORED(db, user_recovery_use(db, zoey, &codes[3], &err)), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(STORED(db, user_recovery_use(db, bill, &codes[3], &err)), 0);
    assert_int_equal(STORED(db, user_recovery_use(db, bill, &codes[3], &err)), -1);
    assert_int_equal(user_recovery_count(&n, db, bill, &err), 0);
    assert_int_equal(n, USER_RECOVERY_CODES - 1);
    // New ones replace them.
    old = codes[4];
    make_codes();
    (void)begin(db, bill, 8);
    assert_int_equal(STORED(db, user_totp_confirm(db, bill, 9, codes, &err)), 0);
    assert_int_equal(STORED(db, user_recovery_use(db, bill, &old, &err)), -1);
    assert_int_equal(user_recovery_count(&n, db, bill, &err), 0);
    assert_int_equal(n, USER_RECOVERY_CODES);
    assert_int_equal(STORED(db, user_totp_remove(db, bill, &err)), 0);
    assert_false(has_totp(db, bill));
    assert_int_equal(user_recovery_count(&n, db, bill, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(STORED(db, user_totp_remove(db, 99, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

// What is sealed for one user opens nothing for another, and nothing with another key.
static void test_what_is_sealed(void **state)
{
    static const struct query move =
        QUERY("UPDATE users SET totp_begun_sealed = (SELECT totp_begun_sealed FROM users "
              "WHERE name = 'bill') WHERE id = :id");
    struct database  *db = ((struct store_world *)*state)->db;
    int64_t           bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    struct user_totp  totp = { 0 };
    struct secret_key other = { { 5 } };
    struct error      err = { 0 };

    (void)begin(db, bill, 7);
    assert_int_equal(user_totp_begun(&totp, db, bill, &other, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(database_run(db, &move, ":id", zoey, NULL, &err), 0);
    assert_int_equal(user_totp_begun(&totp, db, zoey, &things_key, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_second_factor),
        IN_STORE(test_a_code_counts_once),
        IN_STORE(test_recovery_codes),
        IN_STORE(test_what_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
