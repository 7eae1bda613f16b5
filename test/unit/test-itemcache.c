// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <time.h>
#include "workshop/cache.h"
#include "workshop/collect.h"
#include "workshop/item.h"
#include "workshop/part.h"
#include "unit.h"

static const struct item_version v1 = { 100, 5 }, v2 = { 200, 4 };

static void test_names_of_versions(void **state)
{
    static const struct {
        const char *name, *suffix;
        bool        is_one;
    } cases[] = {
        { "1-2.vpk", CACHE_WHOLE, true },
        { "0-0.vpk", CACHE_WHOLE, true },
        { "18446744073709551615-18446744073709551615.vpk", CACHE_WHOLE, true },
        { "18446744073709551616-1.vpk", CACHE_WHOLE, false },
        { "1-2.part", CACHE_PART, true },
        { "1-2.part", CACHE_WHOLE, false },
        { "1-2", "", true },
        { ".vpk", CACHE_WHOLE, false },
        { "-.vpk", CACHE_WHOLE, false },
        { "1.vpk", CACHE_WHOLE, false },
        { "1-.vpk", CACHE_WHOLE, false },
        { "-1.vpk", CACHE_WHOLE, false },
        { "01-2.vpk", CACHE_WHOLE, false },
        { "1-2-3.vpk", CACHE_WHOLE, false },
        { "1-2.vpk.vpk", CACHE_WHOLE, false },
        { "1- 2.vpk", CACHE_WHOLE, false },
        { "item.json", CACHE_WHOLE, false },
        { "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct item_version version;
        if (version_parse(&version, cases[i].name, cases[i].suffix) != cases[i].is_one)
            fail_msg("case %zu", i);
    }
}

static void open_cache(struct cache *ret, const struct unit_dir *dir)
{
    struct error err = { 0 };

    (void)mkdirat(dir->fd, "workshop", 0755); // it may be there already
    if (cache_open(ret, dir->fd, "workshop", &err) < 0)
        fail_msg("%s", err.message);
}

static void open_item(int *ret, const struct cache *cache, uint64_t id)
{
    struct error err = { 0 };

    if (cache_open_item(ret, cache, id, &err) < 0)
        fail_msg("%s", err.message);
}

static void test_the_newest_version(void **state)
{
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct item_version           found;
    struct error                  err = { 0 };
    AUTO_FD                       fd = -1;

    open_cache(&cache, *state);
    open_item(&fd, &cache, 7);
    assert_int_equal(cache_newest(&found, fd, &err), 0);
    unit_write(fd, "100-5.vpk", "12345");
    unit_write(fd, "200-4.vpk", "1234");
    unit_write(fd, "300-4.vpk", "12"); // not of that size
    unit_write(fd, "400-4.part", "1234");
    unit_write(fd, "x.vpk", "1234");
    assert_int_equal(mkdirat(fd, "500-4096.vpk", 0755), 0);
    assert_int_equal(symlinkat("200-4.vpk", fd, "600-4.vpk"), 0);
    assert_int_equal(cache_newest(&found, fd, &err), 1);
    assert_int_equal(found.updated_unix_s, 200);
    assert_int_equal(cache_has(fd, &v1, &err), 1);
    assert_int_equal(cache_has(fd, &(struct item_version){ 100, 6 }, &err), 0);
    assert_int_equal(cache_has(fd, &(struct item_version){ 300, 4 }, &err), 0);
}

static void test_parts(void **state)
{
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct part                   part = PART_NONE, other = PART_NONE;
    struct error                  err = { 0 };
    AUTO_FD                       fd = -1;

    open_cache(&cache, *state);
    open_item(&fd, &cache, 7);
    assert_int_equal(part_open(&part, fd, &v1, &err), 1);
    assert_int_equal(part.n_bytes, 0);
    assert_false(part.is_resumed);
    assert_int_equal(part_open(&other, fd, &v1, &err), 0); // it is taken
    assert_int_equal(part_restart(&part, "\"a\"", &err), 0);
    assert_int_equal(part_append(&part, "123", 3, &err), 0);
    part_done(&part);

    assert_int_equal(part_open(&part, fd, &v1, &err), 1);
    assert_int_equal(part.n_bytes, 3);
    assert_string_equal(part.validator, "\"a\"");
    assert_true(part.is_resumed);
    assert_int_equal(part_append(&part, "45", 2, &err), 0);
    assert_int_equal(part_publish(&part, &err), 0);
    part_done(&part);
    assert_int_equal(cache_has(fd, &v1, &err), 1);
    char    list[64];
    AUTO_FD whole = openat(fd, "100-5.vpk", O_RDONLY | O_CLOEXEC);
    assert_int_equal(flistxattr(whole, list, sizeof list), 0);

    // Who has opened it before the rename finds that it is another file by then.
    assert_int_equal(part_open(&part, fd, &v1, &err), 1);
    assert_int_equal(part.n_bytes, 0);
    assert_int_equal(part_restart(&part, "\"a\"", &err), 0);
    assert_int_equal(part_restart(&part, "", &err), 0);
    part_done(&part);
    assert_int_equal(part_open(&part, fd, &v1, &err), 1);
    assert_string_equal(part.validator, "");
    part_discard(&part);
    assert_int_equal(faccessat(fd, "100-5.part", F_OK, 0), -1);
    assert_int_equal(cache_has(fd, &v1, &err), 1);
}

static void test_a_part_that_is_none(void **state)
{
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct part                   part = PART_NONE;
    struct error                  err = { 0 };
    AUTO_FD                       fd = -1;

    open_cache(&cache, *state);
    open_item(&fd, &cache, 7);
    assert_int_equal(symlinkat("/etc/passwd", fd, "100-5.part"), 0);
    assert_int_equal(part_open(&part, fd, &v1, &err), -1);
    assert_int_equal(mkdirat(fd, "200-4.part", 0755), 0);
    assert_int_equal(part_open(&part, fd, &v2, &err), -1);
}

// ---- what is removed ----------------------------------------------------------------------------

static void show(char *ret, size_t size, int dir_fd)
{
    struct dirent **entries = NULL;
    char            path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", dir_fd);
    int n = scandir(path, &entries, NULL, alphasort);
    assert_true(n >= 0);
    ret[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.')
            snprintf(ret + strlen(ret), size - strlen(ret), "%s%s", *ret ? " " : "",
                     entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void fill(const struct cache *cache, uint64_t id, const char *const *names)
{
    AUTO_FD fd = -1;

    open_item(&fd, cache, id);
    for (; *names; names++)
        unit_write(fd, *names, "12345");
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_collecting(void **state)
{
    struct unit_dir              *dir = *state;
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct collected              collected = { 0 };
    struct error                  err = { 0 };
    char                          found[256];
    uint64_t                      now = (uint64_t)time(NULL);

    open_cache(&cache, dir);
    fill(&cache, 1, NAMES("100-5.vpk", "200-5.vpk", "300-5.part", "item.json", "notes.txt"));
    fill(&cache, 2, NAMES("100-5.vpk", "item.json"));
    fill(&cache, 3, NAMES("item.json", ".item.json.tmp"));
    unit_write(cache.fd, "4", "not a directory");
    unit_write(cache.fd, "x/100-5.vpk", "12345");
    assert_int_equal(linkat(cache.fd, "1/200-5.vpk", dir->fd, "used", 0), 0);

    // A day has not passed yet.
    assert_int_equal(
        cache_collect(&collected, &cache, now + COLLECT_AFTER_S - 60, COLLECT_AFTER_S, &err), 1);
    assert_int_equal(collected.versions, 0);

    if (cache_collect(&collected, &cache, now + COLLECT_AFTER_S + 60, COLLECT_AFTER_S, &err) != 1)
        fail_msg("%s", err.message);
    assert_int_equal(collected.versions, 3);
    assert_int_equal(collected.bytes, 15);
    show(found, sizeof found, cache.fd);
    assert_string_equal(found, "1 2 3 4 x"); // of two items the notes are left
    assert_int_equal(
        cache_collect(&collected, &cache, now + COLLECT_NOTE_AFTER_S + 60, COLLECT_AFTER_S, &err),
        1);
    show(found, sizeof found, cache.fd);
    assert_string_equal(found, "1 4 x");
    AUTO_FD fd = -1;
    open_item(&fd, &cache, 1);
    show(found, sizeof found, fd);
    assert_string_equal(found, "200-5.vpk item.json notes.txt");

    // The last user goes: from then on the day counts.
    assert_int_equal(unlinkat(dir->fd, "used", 0), 0);
    assert_int_equal(
        cache_collect(&collected, &cache, now + 2 * COLLECT_NOTE_AFTER_S, COLLECT_AFTER_S, &err),
        1);
    assert_int_equal(collected.versions, 1);
    show(found, sizeof found, fd);
    assert_string_equal(found, "notes.txt"); // of which nothing is known
}

static void test_nothing_is_removed_while_a_build_is_at_work(void **state)
{
    struct unit_dir              *dir = *state;
    AUTO(cache_done) struct cache cache = { -1, -1 }, other = { -1, -1 };
    struct collected              collected = { 0 };
    struct error                  err = { 0 };
    uint64_t                      later = (uint64_t)time(NULL) + 2 * COLLECT_AFTER_S;

    open_cache(&cache, dir);
    fill(&cache, 1, NAMES("100-5.vpk"));
    open_cache(&other, dir);
    assert_int_equal(cache_collect(&collected, &cache, later, COLLECT_AFTER_S, &err), 0);
    cache_done(&cache);
    assert_int_equal(cache_collect(&collected, &other, later, COLLECT_AFTER_S, &err), 1);
    assert_int_equal(collected.versions, 1);
}

static void take_line(void *user, const char *line)
{
    snprintf(user, 128, "%s", line);
}

static void test_collecting_outside_of_a_build(void **state)
{
    struct unit_dir              *dir = *state;
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct error                  err = { 0 };
    char                          path[64], said[128] = "", found[256];
    const struct say              out = { take_line, said };
    AUTO_FD                       item_fd = -1;

    snprintf(path, sizeof path, "/proc/self/fd/%d", dir->fd);
    assert_int_equal(collect_unused(path, 0, &out, &err), -1); // there is no cache
    assert_int_equal(mkdirat(dir->fd, "cache", 0755), 0);
    assert_int_equal(mkdirat(dir->fd, CACHE_PATH, 0755), 0);
    assert_int_equal(cache_open(&cache, dir->fd, CACHE_PATH, &err), 0);
    fill(&cache, 1, NAMES("100-5.vpk", "200-5.vpk", "item.json"));
    assert_int_equal(linkat(dir->fd, CACHE_PATH "/1/200-5.vpk", dir->fd, "used", 0), 0);
    open_item(&item_fd, &cache, 1);

    assert_int_equal(collect_unused(path, 0, &out, &err), 0); // the build has the lock
    assert_string_equal(said, "note: the cache was not cleaned up: a build is at work");
    cache_done(&cache);
    said[0] = '\0';
    assert_int_equal(collect_unused(path, COLLECT_AFTER_S, &out, &err), 0);
    assert_string_equal(said, ""); // it is too new
    assert_int_equal(collect_unused(path, 0, &out, &err), 0);
    assert_string_equal(said, "1 file that nobody uses was removed from the cache, 5 bytes");
    show(found, sizeof found, item_fd);
    assert_string_equal(found, "200-5.vpk item.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_versions),
        cmocka_unit_test_setup_teardown(test_the_newest_version, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_parts, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_part_that_is_none, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_collecting, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_collecting_outside_of_a_build, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_removed_while_a_build_is_at_work,
                                        unit_dir_setup, unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
