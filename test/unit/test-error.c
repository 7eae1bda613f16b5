// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>

static void test_setters_return_minus_one_and_fill(void **state)
{
    struct error err = { 0 };

    (void)state;
    assert_int_equal(error_set(&err, ERROR_BUSY, "port %d is in use", 27015), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "port 27015 is in use");
    assert_int_equal(error_prefix(&err, "server '%s'", "alpha"), -1);
    assert_string_equal(err.message, "server 'alpha': port 27015 is in use");
}

static void test_errno_chooses_the_kind(void **state)
{
    static const struct {
        int             errnum;
        enum error_kind want;
    } cases[] = {
        { ENOSPC, ERROR_NO_SPACE },  { EDQUOT, ERROR_NO_SPACE }, { ENOMEM, ERROR_NO_SPACE },
        { ENOENT, ERROR_NOT_FOUND }, { EACCES, ERROR_DENIED },   { EPERM, ERROR_DENIED },
        { EEXIST, ERROR_EXISTS },    { EBUSY, ERROR_BUSY },      { ETIMEDOUT, ERROR_TIMEOUT },
        { EIO, ERROR_SYSTEM },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        assert_int_equal(error_sys(&err, cases[i].errnum, "doing"), -1);
        assert_int_equal(err.kind, cases[i].want);
        assert_int_equal(err.errnum, cases[i].errnum);
        assert_non_null(strstr(err.message, "doing: "));
    }
}

// A file's name must not become a second line of the journal.
static void test_no_control_byte_gets_in(void **state)
{
    struct error err = { 0 };

    (void)state;
    error_set(&err, ERROR_FAILED, "removing '%s'", "x\n<0>forged\x1b[2J\x7f");
    assert_string_equal(err.message, "removing 'x?<0>forged?[2J?'");
    error_prefix(&err, "%s", "a\tb");
    assert_string_equal(err.message, "a?b: removing 'x?<0>forged?[2J?'");
    error_sys(&err, EIO, "%s", "a\nb");
    assert_null(strchr(err.message, '\n'));
}

// A sentence that is no text could not be said in JSON, nor a job that failed with it be shown.
static void test_it_is_always_text(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "\xc3\xa9", "'\xc3\xa9'" },        // as it is
        { "a\xff", "'a?'" },                 // no UTF-8
        { "\xc3", "'?'" },                   // the beginning of a character
        { "a\xc2\x9b\x33\x31m", "'a?31m'" }, // a control character of Latin-1: begins a colour
        { "a\xe2\x80\xae\x62", "'a?b'" },    // turns the direction of what follows
    };
    struct error err = { 0 };
    char         text[1000];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        error_set(&err, ERROR_FAILED, "'%s'", cases[i].name);
        assert_string_equal(err.message, cases[i].want);
    }
    error_set(&err, ERROR_FAILED, "'%.2s'", "a\xc3\xa9");
    assert_string_equal(err.message, "'a?'");
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = i % 2 ? '\xa9' : '\xc3';
    text[sizeof text - 1] = '\0';
    for (const char *at = "ab"; *at; at++) {
        error_set(&err, ERROR_FAILED, "%s%s", at, text);
        assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
        assert_true(err.message[ERROR_MESSAGE_MAX - 2] != '\xc3');
        error_adopt(&err, ERROR_FAILED, 0, text, strlen(text));
        assert_int_equal(err.message[ERROR_MESSAGE_MAX - 2], '?');
    }
}

static void test_long_messages_are_cut_not_overrun(void **state)
{
    struct error err = { 0 };
    char         text[2000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&err, ERROR_FAILED, "%s", text);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
    error_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_MAX - 1);
    error_sys(&err, EIO, "%s", text);
    assert_non_null(strstr(err.message, strerror(EIO)));
}

static void test_what_came_through_a_socket_is_bounded(void **state)
{
    static const char raw[] = { 'a', '\n', 'b', '\x1b', 'c' }; // no NUL
    struct error      err = { 0 };

    (void)state;
    error_adopt(&err, 4711, 5, raw, sizeof raw);
    assert_int_equal(err.kind, ERROR_SYSTEM);
    assert_string_equal(err.message, "a?b?c");
    error_adopt(&err, ERROR_BUSY, 0, raw, 1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "a");
}

static void test_every_kind_has_a_word_and_codes(void **state)
{
    (void)state;
    for (int kind = 0; kind < ERROR_KIND_COUNT; kind++) {
        const struct error_kind_info *info = error_kind_info((enum error_kind)kind);
        assert_non_null(info->word);
        assert_in_range(info->http_status, 200, 599);
        assert_in_range(info->exit_code, 0, 69);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(info->word, error_kind_info((enum error_kind)other)->word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setters_return_minus_one_and_fill),
        cmocka_unit_test(test_errno_chooses_the_kind),
        cmocka_unit_test(test_no_control_byte_gets_in),
        cmocka_unit_test(test_it_is_always_text),
        cmocka_unit_test(test_long_messages_are_cut_not_overrun),
        cmocka_unit_test(test_what_came_through_a_socket_is_bounded),
        cmocka_unit_test(test_every_kind_has_a_word_and_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
