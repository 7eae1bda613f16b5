// SPDX-License-Identifier: MIT
#include "workshop/item.h"
#include "unit.h"

static struct item full_item(void)
{
    struct item item = {
        .id = INT64_MAX,
        .size_bytes = INT64_MAX,
        .updated_unix_s = 1600000000,
        .title = "Größe \"1\" 🌲",
        .preview_url = "https://images.example/1",
        .n_tags = WEBAPI_TAGS_MAX,
        .has_version = true,
        .version = { 1600000000, 12 },
        .error = "it was banned",
    };

    for (size_t i = 0; i < WEBAPI_TAGS_MAX; i++)
        snprintf(item.tags[i], WEBAPI_TAG_MAX, "tag %zu", i);
    item.contents.n_files = UINT32_MAX;
    item.contents.maps.n = 1000; // of which a few are kept
    for (size_t i = 0; i < CONTENTS_LIST_MAX; i++)
        memset(item.contents.maps.names[i], 'm', CONTENTS_NAME_MAX - 1);
    item.contents.missions.n = 1;
    strcpy(item.contents.missions.names[0], "one");
    return item;
}

static int parse(struct item *ret, const char *text, struct error *err)
{
    size_t            n = strlen(text);
    AUTO(freep) char *copy = malloc(n + !n); // exact, so that a sanitizer sees a read behind it

    memcpy(copy, text, n);
    return item_parse(ret, copy, n, err);
}

static void test_what_is_written_can_be_read(void **state)
{
    static struct item empty = { .id = 1 }, again;
    struct item        item = full_item();
    struct error       err = { 0 };
    AUTO(freep) char  *text = item_format(&item);
    AUTO(freep) char  *text_empty = item_format(&empty);

    (void)state;
    assert_non_null(text);
    assert_true(strlen(text) <= ITEM_BYTES_MAX);
    if (parse(&again, text, &err) < 0)
        fail_msg("%s", err.message);
    AUTO(freep) char *text_again = item_format(&again);
    assert_string_equal(text_again, text);
    assert_int_equal(parse(&again, text_empty, &err), 0);
    assert_false(again.has_version);
}

static void test_what_is_wrong(void **state)
{
    static const struct {
        const char *find, *put;
    } cases[] = {
        { "\"1600000000-12\"", "\"1600000000-012\"" },
        { "\"1600000000-12\"", "\"x\"" },
        { "\"1600000000-12\"", "7" },
        { "\"9223372036854775807\"", "\"0\"" },
        { "\"9223372036854775807\"", "7" },
        { "\"files\": 4294967295", "\"files\": 4294967296" },
        { "\"files\": 4294967295", "\"files\": -1" },
        { "\"files\": 4294967295", "\"files\": \"1\"" },
        { "\"files\": 4294967295", "\"x\": 1" },
        { "\"it was banned\"", "null" },
        { "\"it was banned\"", "\"a\\u0007\"" },
        { "\"one\"", "\"one\", \"two\"" },
        { "\"missions\": 1", "\"missions\": 2" },
        { "\"tag 0\"", "\"x\", \"tag 0\"" },
        { "\"tag 0\"", "0" },
        { "{", "[" },
        { "\"title\"", "\"error\"" },
    };
    struct item       item = full_item();
    AUTO(freep) char *text = item_format(&item);
    AUTO(freep) char *copy = malloc(strlen(text) + 64);

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        static struct item again;
        struct error       err = { 0 };
        const char        *at = strstr(text, cases[i].find);
        assert_non_null(at);
        sprintf(copy, "%.*s%s%s", (int)(at - text), text, cases[i].put, at + strlen(cases[i].find));
        if (parse(&again, copy, &err) == 0)
            fail_msg("case %zu was accepted", i);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_the_file(void **state)
{
    struct unit_dir   *dir = *state;
    static struct item item, again;
    struct error       err = { 0 };
    struct stat        before, after;

    assert_int_equal(item_read(&again, dir->fd, &err), 0);
    assert_int_equal(again.id, 0);

    item = full_item();
    assert_int_equal(item_write(&item, dir->fd, &err), 0);
    assert_int_equal(fstatat(dir->fd, ITEM_FILE, &before, 0), 0);
    assert_int_equal(before.st_mode & 07777, 0640);
    assert_int_equal(item_write(&item, dir->fd, &err), 0); // it says the same
    assert_int_equal(fstatat(dir->fd, ITEM_FILE, &after, 0), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(item_read(&again, dir->fd, &err), 0);
    assert_string_equal(again.title, item.title);

    item.error[0] = '\0';
    assert_int_equal(item_write(&item, dir->fd, &err), 0);
    assert_int_equal(item_read(&again, dir->fd, &err), 0);
    assert_string_equal(again.error, "");

    // Without a version its time is all that says that it is still wanted.
    const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    for (int i = 0; i < 2; i++) {
        item.has_version = i == 0;
        assert_int_equal(item_write(&item, dir->fd, &err), 0);
        assert_int_equal(utimensat(dir->fd, ITEM_FILE, long_ago, 0), 0);
        assert_int_equal(item_write(&item, dir->fd, &err), 0);
        assert_int_equal(fstatat(dir->fd, ITEM_FILE, &after, 0), 0);
        assert_int_equal(after.st_mtim.tv_sec == 1, i == 0);
    }

    unit_write(dir->fd, ITEM_FILE, "{");
    assert_int_equal(item_read(&again, dir->fd, &err), 0);
    assert_int_equal(again.id, 0);
    assert_int_equal(unlinkat(dir->fd, ITEM_FILE, 0), 0);
    assert_int_equal(mkdirat(dir->fd, ITEM_FILE, 0755), 0);
    assert_int_equal(item_read(&again, dir->fd, &err), 0);
    assert_int_equal(item_write(&item, dir->fd, &err), -1);
}

static void test_details(void **state)
{
    static struct item        item;
    static struct webapi_item details = { .result = WEBAPI_RESULT_NOT_FOUND, .title = "new" };

    (void)state;
    item = full_item();
    item_set_details(&item, &details);
    assert_string_equal(item.title, "Größe \"1\" 🌲");
    details.result = WEBAPI_RESULT_OK;
    item_set_details(&item, &details);
    assert_string_equal(item.title, "new");
    assert_int_equal(item.n_tags, 0);
    assert_string_equal(item.error, "it was banned");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_can_be_read),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test_setup_teardown(test_the_file, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
