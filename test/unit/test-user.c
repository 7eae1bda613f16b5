// SPDX-License-Identifier: MIT
#include "store/user.h"
#include "store-world.h"

static int64_t add(struct database *db, const char *name, enum role role, bool has_password)
{
    int64_t      id = 0;
    struct error err = { 0 };

    if (STORED(db, user_add(&id, db, name, role, 100, &err)) < 0)
        fail_msg("%s", err.message);
    if (has_password)
        assert_int_equal(STORED(db, user_set_password_hash(db, id, "$hash", &err)), 0);
    return id;
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        int         want;
    } cases[] = {
        { "a", 0 },
        { "Zoey.2_x-y", 0 },
        { "0123456789012345678901234567890123456789012345678901234567890123", 0 },
        { "01234567890123456789012345678901234567890123456789012345678901234", -1 },
        { "", -1 },
        { ".a", -1 },
        { "-a", -1 },
        { "a b", -1 },
        { "a/b", -1 },
        { "\xc3\xa4", -1 },
        { "a\n", -1 },
        { "a'", -1 },
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (user_name_check(cases[i].name, &err) != cases[i].want)
            fail_msg("'%s'", cases[i].name);
}

static void test_finding(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct user      user;
    struct error     err = { 0 };
    int64_t          first = add(db, "Bill", ROLE_ADMIN, true);
    int64_t          second = add(db, "louis", ROLE_USER, false);

    assert_int_equal(user_find_name(&user, db, "bILL", &err), 0);
    assert_int_equal(user.id, first);
    assert_string_equal(user.name, "Bill");
    assert_int_equal(user.role, ROLE_ADMIN);
    assert_true(user.is_active && user.has_password && !user.has_totp);
    assert_int_equal(user.created_unix_s, 100);
    assert_int_equal(user.login_unix_s, 0);
    assert_int_equal(user_find(&user, db, second, &err), 0);
    assert_false(user.has_password);
    assert_int_equal(user_find(&user, db, 77, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(user_next(&user, db, 0, &err), 1);
    assert_int_equal(user.id, first);
    assert_int_equal(user_next(&user, db, first, &err), 1);
    assert_int_equal(user.id, second);
    assert_int_equal(user_next(&user, db, second, &err), 0);
    int64_t none = 0;
    assert_int_equal(STORED(db, user_add(&none, db, "LOUIS", ROLE_USER, 1, &err)), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_string_equal(err.message, "there is a user 'LOUIS' already");
}

// An id is never given again, or what is remembered of the old one would be of the new one.
static void test_ids_are_new(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct error     err;
    int64_t          id = add(db, "one", ROLE_USER, false);

    assert_int_equal(STORED(db, user_remove(db, id, &err)), 0);
    assert_int_equal(STORED(db, user_remove(db, id, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_true(add(db, "one", ROLE_USER, false) > id);
}

static void test_the_last_admin(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct error     err;
    int64_t          admin = add(db, "bill", ROLE_ADMIN, true);
    int64_t          invited = add(db, "zoey", ROLE_ADMIN, false);
    struct user      user;

    // The other one has never come.
    assert_int_equal(STORED(db, user_remove(db, admin, &err)), -1);
    assert_string_equal(err.message, "it is the last admin who can log in");
    assert_int_equal(STORED(db, user_set_role(db, admin, ROLE_USER, &err)), -1);
    assert_int_equal(STORED(db, user_set_active(db, admin, false, &err)), -1);
    assert_int_equal(user_find(&user, db, admin, &err), 0);
    assert_true(user.role == ROLE_ADMIN && user.is_active);
    assert_int_equal(STORED(db, user_set_password_hash(db, invited, "$hash", &err)), 0);
    assert_int_equal(STORED(db, user_set_active(db, admin, false, &err)), 0);
    assert_int_equal(STORED(db, user_set_role(db, invited, ROLE_USER, &err)), -1);
    assert_int_equal(STORED(db, user_remove(db, admin, &err)), 0);
    assert_int_equal(STORED(db, user_set_role(db, 77, ROLE_USER, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_who_has_something_stays(void **state)
{
    static const struct query blueprint =
        QUERY("INSERT INTO blueprints (name, owner, created_unix_s, changed_unix_s) "
              "VALUES ('mine', :owner, 1, 1)");
    struct database *db = ((struct store_world *)*state)->db;
    struct statement row = { 0 };
    struct error     err = { 0 };
    int64_t          id = add(db, "bill", ROLE_USER, true);

    assert_int_equal(statement_begin(&row, db, &blueprint, &err), 0);
    statement_bind_number(&row, ":owner", id);
    assert_int_equal(statement_run(&row, &err), 0);
    statement_done(&row);
    assert_int_equal(STORED(db, user_remove(db, id, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_non_null(strstr(err.message, "still has servers, blueprints or overlays"));
}

static void test_passwords(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct error     err;
    char             hash[USER_PASSWORD_MAX] = "x";
    int64_t          id = add(db, "bill", ROLE_USER, false);

    assert_int_equal(user_password_hash(hash, db, id, &err), 0);
    assert_string_equal(hash, "");
    assert_int_equal(STORED(db, user_set_password_hash(db, id, "$argon", &err)), 0);
    assert_int_equal(user_password_hash(hash, db, id, &err), 0);
    assert_string_equal(hash, "$argon");
    assert_int_equal(user_password_hash(hash, db, 77, &err), -1);
    assert_int_equal(STORED(db, user_set_login(db, id, 500, &err)), 0);
    struct user user;
    assert_int_equal(user_find(&user, db, id, &err), 0);
    assert_int_equal(user.login_unix_s, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        IN_STORE(test_finding),
        IN_STORE(test_ids_are_new),
        IN_STORE(test_the_last_admin),
        IN_STORE(test_who_has_something_stays),
        IN_STORE(test_passwords),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
