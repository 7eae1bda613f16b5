// SPDX-License-Identifier: MIT
#include "unit.h"

#include "base/log.h"
#include "host/publishlog.h"

struct row {
    const char *text;
    unsigned    priority;
    bool        is_init;
};

static struct publishlog read_rows(const struct row *rows, size_t n)
{
    struct publishlog log = { 0 };

    for (size_t i = 0; i < n; i++) {
        const struct journal_line line = {
            .priority = rows[i].priority,
            .is_init = rows[i].is_init,
            .run = "",
            .text = rows[i].text,
            .n_text = strlen(rows[i].text),
        };
        publishlog_take(&log, &line);
    }
    return log;
}

static void test_the_last_error_is_the_one_to_quote(void **state)
{
    static const struct row rows[] = {
        { "Starting left4me-publish@7.service", LEVEL_INFO, true },
        { "build 7 becomes generation 7 of overlay 1, over generation 3", LEVEL_INFO, false },
        { "an earlier one", LEVEL_ERROR, false },
        { "'left4dead2/out' is a symbolic link", LEVEL_ERROR, false },
        { "Main process exited, code=exited, status=1/FAILURE", LEVEL_NOTICE, true },
        { "Failed to start left4me-publish@7.service", LEVEL_ERROR, true },
    };
    struct publishlog log = read_rows(rows, ELEMENTS(rows));

    (void)state;
    assert_string_equal(log.sentence, "'left4dead2/out' is a symbolic link");
    assert_string_equal(log.summary, "");
    assert_false(log.is_unchanged || log.is_out_of_space);
}

static void test_a_full_disk_is_told_from_others(void **state)
{
    static const struct {
        struct row row;
        bool       is_out_of_space;
    } cases[] = {
        { { "writing 'a': No space left on device", LEVEL_ERROR, false }, true },
        { { "writing 'a': Disk quota exceeded", LEVEL_ERROR, false }, true },
        { { "writing 'a': Input/output error", LEVEL_ERROR, false }, false },
        { { "note: leftovers stay: No space left on device", LEVEL_INFO, false }, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(read_rows(&cases[i].row, 1).is_out_of_space, cases[i].is_out_of_space);
}

static void test_what_was_published(void **state)
{
    static const struct {
        struct row  row;
        const char *summary;
        bool        is_unchanged;
    } cases[] = {
        { { "published generation 7: 1 added, 0 changed, 0 removed, 5 bytes", 6, false },
          "published generation 7: 1 added, 0 changed, 0 removed, 5 bytes",
          false },
        { { "generation 7 of this build is published already", 6, false },
          "generation 7 of this build is published already",
          false },
        { { "generation 7 is being written", 6, false }, "", false },
        { { "published generation 7: 1 added", 6, true }, "", false },
        { { "nothing changed", 6, false }, "", true },
        { { "nothing changed", 6, true }, "", false },
        { { "nothing changed here", 6, false }, "", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct publishlog log = read_rows(&cases[i].row, 1);
        assert_string_equal(log.summary, cases[i].summary);
        assert_int_equal(log.is_unchanged, cases[i].is_unchanged);
    }
}

static void test_of_a_long_sentence_the_middle_goes(void **state)
{
    static const char why[] = "' is too deep: 64 directories are the limit";
    char              text[700] = "'left4dead2/";
    struct row        row = { text, LEVEL_ERROR, false };

    (void)state;
    for (size_t n = 0; n < 3; n++) { // whatever part of a character the cuts meet
        size_t at = strlen("'left4dead2/") + n;
        memset(text + at - n, 'd', n);
        for (size_t i = 0; i < 150; i++)
            memcpy(text + at + 3 * i, "\xe2\x82\xac", 3);
        (void)strcpy(text + at + 3 * 150, why);
        struct publishlog log = read_rows(&row, 1);
        size_t            length = strlen(log.sentence);
        assert_true(length <= PUBLISHLOG_SENTENCE_MAX && length > PUBLISHLOG_SENTENCE_MAX - 6);
        assert_memory_equal(log.sentence, "'left4dead2/", strlen("'left4dead2/"));
        assert_non_null(strstr(log.sentence, "\xe2\x82\xac\xe2\x80\xa6\xe2\x82\xac"));
        assert_string_equal(log.sentence + length - strlen(why), why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_error_is_the_one_to_quote),
        cmocka_unit_test(test_a_full_disk_is_told_from_others),
        cmocka_unit_test(test_what_was_published),
        cmocka_unit_test(test_of_a_long_sentence_the_middle_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
