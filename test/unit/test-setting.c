// SPDX-License-Identifier: MIT
#include "store/setting.h"
#include "store-world.h"

static void test_their_defaults(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    char             text[SETTING_TEXT_MAX];
    struct error     err = { 0 };

    for (int i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *info = setting_info((enum setting)i);
        enum setting               found = SETTING_COUNT;
        assert_int_equal(setting_of(&found, info->key, &err), 0);
        assert_int_equal(found, i);
        assert_int_equal(setting_text(text, db, found, &err), 0);
        assert_string_equal(text, info->usual);
        // A default is a value that it takes.
        if (STORED(db, setting_set(db, found, info->usual, 1, &err)) < 0)
            fail_msg("%s", err.message);
    }
    assert_int_equal(setting_check(db, &err), 0);
    assert_int_equal(setting_of(&(enum setting){ 0 }, "colour", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_values(void **state)
{
    static const struct {
        enum setting setting;
        const char  *text;
        int          want;
    } cases[] = {
        { SETTING_PORT_FROM, "27015", 0 },
        { SETTING_PORT_FROM, "6024", 0 },
        { SETTING_PORT_FROM, "6023", -1 },
        { SETTING_PORT_TO, "60535", 0 },
        { SETTING_PORT_TO, "60536", -1 },
        { SETTING_PORT_TO, "", -1 },
        { SETTING_PORT_TO, "27015 ", -1 },
        { SETTING_PORT_TO, "0x7000", -1 },
        { SETTING_LOG_DAYS, "0", -1 },
        { SETTING_LOG_DAYS, "1", 0 },
        { SETTING_LOG_DAYS, "-1", -1 },
        { SETTING_HISTORY_DAYS, "3650", 0 },
        { SETTING_AUDIT_DAYS, "3651", -1 },
        { SETTING_REPAIR, "auto", 0 },
        { SETTING_REPAIR, "on", -1 },
        { SETTING_REPAIR, "", -1 },
        { SETTING_METRICS_OPEN, "on", 0 },
        { SETTING_METRICS_OPEN, "auto", -1 },
        { SETTING_AUDIT_DAYS, "99999999999999999999999", -1 },
    };
    struct database *db = ((struct store_world *)*state)->db;
    char             text[SETTING_TEXT_MAX];
    struct error     err = { 0 };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        if (STORED(db, setting_set(db, cases[i].setting, cases[i].text, 1, &err)) != cases[i].want)
            fail_msg("%s '%s'", setting_info(cases[i].setting)->key, cases[i].text);
        if (cases[i].want < 0) {
            assert_int_equal(err.kind, ERROR_INVALID);
            continue;
        }
        assert_int_equal(setting_text(text, db, cases[i].setting, &err), 0);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_what_they_are(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          number = 0;
    bool             is = true;
    struct error     err = { 0 };

    assert_int_equal(setting_number(&number, db, SETTING_AUDIT_DAYS, &err), 0);
    assert_int_equal(number, 365);
    assert_int_equal(setting_is(&is, db, SETTING_REPAIR, "auto", &err), 0);
    assert_false(is);
    assert_int_equal(STORED(db, setting_set(db, SETTING_REPAIR, "auto", 1, &err)), 0);
    assert_int_equal(setting_is(&is, db, SETTING_REPAIR, "auto", &err), 0);
    assert_true(is);
    assert_int_equal(STORED(db, setting_set(db, SETTING_PORT_FROM, "28000", 1, &err)), 0);
    assert_int_equal(setting_check(db, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_string_equal(err.message, "port_to is not below port_from: 28000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_their_defaults),
        IN_STORE(test_values),
        IN_STORE(test_what_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
