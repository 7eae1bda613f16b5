// SPDX-License-Identifier: MIT
#include "files-world.h"

#define MANY 500u

static void test_pages(void **state)
{
    struct files_world  world = files_open(state, NULL);
    struct error        err = { 0 };
    char                name[32], after[32] = "", last[32] = "";
    static const size_t sizes[] = { 1, 7, MANY - 1, MANY, MANY + 1 };

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "d/f%03u", i * 7919 % MANY); // in no order
        unit_write(world.space->tree_fd, name, "x");
    }
    for (size_t s = 0; s < ELEMENTS(sizes); s++) {
        unsigned n = 0, n_pages = 0;
        bool     has_more = true;
        after[0] = last[0] = '\0';
        while (has_more) {
            AUTO(listing_freep) struct listing *page = NULL;
            assert_int_equal(
                listing_read(&page, world.space, "d", *after ? after : NULL, sizes[s], &err), 0);
            for (size_t i = 0; i < page->n; i++) {
                assert_true(strcmp(page->entries[i].name, last) > 0);
                snprintf(last, sizeof last, "%s", page->entries[i].name);
            }
            assert_true(page->n == sizes[s] || !page->has_more);
            n += (unsigned)page->n;
            has_more = page->has_more;
            n_pages++;
            snprintf(after, sizeof after, "%s", last);
        }
        assert_int_equal(n, MANY);
        assert_int_equal(n_pages, (MANY + sizes[s] - 1) / sizes[s]);
    }
    files_close(&world);
}

static void test_limits_and_refusals(void **state)
{
    struct files_world                  world = files_open(state, NULL);
    AUTO(listing_freep) struct listing *page = NULL;
    struct error                        err = { 0 };

    assert_int_equal(listing_read(&page, world.space, "", NULL, 0, &err), -1);
    assert_int_equal(listing_read(&page, world.space, "", NULL, LISTING_PAGE_MAX + 1, &err), -1);
    assert_int_equal(listing_read(&page, world.space, "", NULL, LISTING_PAGE_MAX, &err), 0);
    assert_int_equal(page->n, 0);
    assert_false(page->has_more);
    listing_freep(&page);
    assert_int_equal(listing_read(&page, world.space, "nothing", NULL, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(listing_read(&page, world.space, "..", NULL, 1, &err), -1);
    assert_return_code(symlinkat("/etc", world.space->tree_fd, "link"), errno);
    assert_int_equal(listing_read(&page, world.space, "link", NULL, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_null(page);
    files_close(&world);
}

static void test_one_entry(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct listing_entry entry;
    struct error         err = { 0 };

    files_put(&world, "d/file", "12345");
    assert_return_code(symlinkat("/etc", world.space->tree_fd, "d/link"), errno);
    assert_int_equal(listing_look(&entry, world.space, "d/file", &err), 0);
    assert_string_equal(entry.name, "file");
    assert_int_equal(entry.kind, LISTING_FILE);
    assert_int_equal(entry.size, 5);
    assert_true(entry.mtime_unix_s > 0);
    assert_int_equal(listing_look(&entry, world.space, "d", &err), 0);
    assert_int_equal(entry.kind, LISTING_DIR);
    assert_int_equal(entry.size, 0);
    assert_int_equal(listing_look(&entry, world.space, "d/link", &err), 0);
    assert_int_equal(entry.kind, LISTING_LINK);
    assert_int_equal(listing_look(&entry, world.space, "d/link/passwd", &err), -1);
    assert_int_equal(listing_look(&entry, world.space, "d/nothing", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    for (int kind = 0; kind < LISTING_KIND_COUNT; kind++)
        assert_true(strlen(listing_kind_word((enum listing_kind)kind)) > 0);
    files_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_pages),
        IN_DIR(test_limits_and_refusals),
        IN_DIR(test_one_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
