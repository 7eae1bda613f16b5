// SPDX-License-Identifier: MIT
#include "store/token.h"
#include "store-things.h"

static struct secret_hash add(struct database *db, const struct token *token, int64_t *ret_id)
{
    struct secret_hash hash;
    char               word[SECRET_WORD_MAX];
    struct error       err = { 0 };

    secret_make(word, &hash, SECRET_API_TOKEN);
    if (STORED(db, token_add(ret_id, db, token, &hash, &err)) < 0)
        fail_msg("%s", err.message);
    return hash;
}

static void test_a_token(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            bill = things_user(db, "bill", ROLE_USER), id = 0;
    struct token       wanted = { .user = bill,
                                  .name = "backup",
                                  .scope = TOKEN_OPERATE,
                                  .created_unix_s = NOW,
                                  .expires_unix_s = NOW + 100 };
    struct secret_hash hash = add(db, &wanted, &id), other = hash;
    struct token       token = { 0 };
    struct user        user;
    bool               is_stale = false;
    struct error       err = { 0 };

    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW + 99, &err), 0);
    assert_true(token.id == id && token.user == bill && token.scope == TOKEN_OPERATE);
    assert_string_equal(token.name, "backup");
    assert_string_equal(user.name, "bill");
    assert_true(is_stale && token.used_unix_s == 0 && token.expires_unix_s == NOW + 100);
    assert_int_equal(token_use(db, id, NOW + 1, &err), 0);
    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW + 2, &err), 0);
    assert_true(!is_stale && token.used_unix_s == NOW + 1);
    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW + 61, &err), 0);
    assert_true(is_stale);
    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW + 100, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    other.bytes[0] ^= 1;
    assert_int_equal(token_find(&token, &user, &is_stale, db, &other, NOW, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(STORED(db, user_set_active(db, bill, false, &err)), 0);
    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW, &err), -1);
    assert_string_equal(err.message, "this account is deactivated");
}

static void test_what_it_does_not_take(void **state)
{
    static const struct {
        struct token    token;
        enum error_kind want;
    } cases[] = {
        { { .name = "", .created_unix_s = NOW }, ERROR_INVALID },
        { { .name = "a\n", .created_unix_s = NOW }, ERROR_INVALID },
        { { .name = "a", .created_unix_s = NOW, .expires_unix_s = NOW }, ERROR_INVALID },
        { { .name = "taken", .created_unix_s = NOW }, ERROR_EXISTS },
    };
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            bill = things_user(db, "bill", ROLE_USER), id = 0;
    struct token       taken = { .user = bill, .name = "taken", .created_unix_s = NOW };
    struct secret_hash hash;
    char               word[SECRET_WORD_MAX];
    struct error       err = { 0 };

    (void)add(db, &taken, &id);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct token token = cases[i].token;
        token.user = bill;
        secret_make(word, &hash, SECRET_API_TOKEN);
        assert_int_equal(STORED(db, token_add(&id, db, &token, &hash, &err)), -1);
        if (err.kind != cases[i].want)
            fail_msg("%zu: %s", i, err.message);
    }
    for (unsigned i = 1; i < TOKEN_USER_MAX; i++) {
        snprintf(taken.name, sizeof taken.name, "token %u", i);
        (void)add(db, &taken, &id);
    }
    snprintf(taken.name, sizeof taken.name, "one more");
    assert_int_equal(STORED(db, token_add(&id, db, &taken, &hash, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
}

static void test_they_are_listed_and_revoked(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t            first = 0, second = 0, hers = 0;
    struct token       wanted = { .user = bill, .name = "a", .created_unix_s = NOW }, token = { 0 };
    struct secret_hash hash = add(db, &wanted, &first);
    struct user        user;
    bool               is_stale;
    struct error       err = { 0 };

    wanted = (struct token){ .user = bill, .name = "b", .expires_unix_s = 1 }; // long ago
    (void)add(db, &wanted, &second);
    wanted = (struct token){ .user = zoey, .name = "a", .scope = TOKEN_ADMIN };
    (void)add(db, &wanted, &hers);
    assert_int_equal(token_next(&token, db, bill, 0, &err), 1);
    assert_int_equal(token.id, first);
    assert_int_equal(token_next(&token, db, bill, first, &err), 1);
    assert_int_equal(token.id, second);
    assert_int_equal(token_next(&token, db, bill, second, &err), 0);
    assert_int_equal(STORED(db, token_remove(db, bill, hers, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "there is no such token");
    assert_int_equal(STORED(db, token_remove(db, bill, first, &err)), 0);
    assert_int_equal(token_find(&token, &user, &is_stale, db, &hash, NOW, &err), -1);
    assert_int_equal(STORED(db, user_remove(db, zoey, &err)), 0);
    assert_int_equal(token_next(&token, db, zoey, 0, &err), 0);
}

static void test_words_of_scopes(void **state)
{
    enum token_scope scope;
    struct error     err = { 0 };

    (void)state;
    for (int i = 0; i < TOKEN_SCOPES; i++) {
        assert_int_equal(token_scope_parse(&scope, token_scope_word((enum token_scope)i), &err), 0);
        assert_int_equal(scope, i);
    }
    assert_int_equal(token_scope_parse(&scope, "all", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_token),
        IN_STORE(test_what_it_does_not_take),
        IN_STORE(test_they_are_listed_and_revoked),
        cmocka_unit_test(test_words_of_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
