// SPDX-License-Identifier: MIT

// What is in a Workshop overlay.

#include "host-tree.h"

#include "host/items.h"

#define ADDONS "data/overlays/7/3/left4dead2/addons/"
#define CACHE  "data/cache/workshop/"

static const struct source source = { .number = 7, .type = OVERLAY_WORKSHOP };

// What the cache knows of an item.
static void put_known(struct host_tree *tree, uint64_t id, const char *title, bool has_version)
{
    static struct item item;
    char               path[64];

    item = (struct item){ .id = id, .size_bytes = 12, .updated_unix_s = 5 };
    snprintf(item.title, sizeof item.title, "%s", title);
    item.has_version = has_version;
    item.contents.maps.n = has_version;
    AUTO(freep) char *text = item_format(&item);
    assert_non_null(text);
    snprintf(path, sizeof path, CACHE "%llu/" ITEM_FILE, (unsigned long long)id);
    unit_write(tree->dir->fd, path, text);
}

// "ID published|open SIZE TITLE MAPS", or "-" for the title of one that is not known.
static int show(void *user, const struct overlay_item *item, struct error *err)
{
    char  *text = user;
    size_t n = strlen(text);

    (void)err;
    assert_true(item->is_known || item->known.id == 0);
    snprintf(text + n, 1024 - n, "%llu %s %llu %s %u\n", (unsigned long long)item->id,
             item->is_published ? "published" : "open", (unsigned long long)item->size_bytes,
             item->is_known ? item->known.title : "-", item->known.contents.maps.n);
    return 0;
}

static void expect(const struct host_tree *tree, uint32_t generation, const char *want)
{
    struct error err = { 0 };
    char         text[1024] = "";

    if (items_walk(&tree->paths, &source, generation, show, text, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(text, want);
}

static void test_nothing_there(void **state)
{
    struct host_tree *tree = *state;

    expect(tree, 0, "");
    expect(tree, 3, "");
    unit_write(tree->dir->fd, "data/sources/7/items", "121088\n");
    expect(tree, 3, "");
}

static void test_what_is_published_and_what_is_listed(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, "data/sources/7/items", "900 5\n# a collection\n77, 12\n");
    unit_write(tree->dir->fd, ADDONS "12.vpk", "four");
    unit_write(tree->dir->fd, ADDONS "9223372036854775807.vpk", "x");
    unit_write(tree->dir->fd, ADDONS "9223372036854775808.vpk", "too large a number");
    unit_write(tree->dir->fd, ADDONS "123456789012345678901.vpk", "too long");
    unit_write(tree->dir->fd, ADDONS "1.vpk.bak", "x");
    unit_write(tree->dir->fd, ADDONS ".vpk", "x");
    unit_write(tree->dir->fd, ADDONS "mine.vpk", "x");
    put_known(tree, 12, "Twelve", true);
    put_known(tree, 900, "", false); // could not be had
    put_known(tree, 5, "Of another overlay", true);
    put_known(tree, 6, "In no list", true);
    expect(tree, 3,
           "5 open 0 Of another overlay 1\n"
           "12 published 4 Twelve 1\n"
           "900 open 0  0\n"
           "9223372036854775807 published 1 - 0\n");
    expect(tree, 0,
           "5 open 0 Of another overlay 1\n"
           "12 open 0 Twelve 1\n"
           "900 open 0  0\n");
}

static void test_what_is_damaged_is_not_known(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, ADDONS "12.vpk", "four");
    unit_write(tree->dir->fd, ADDONS "13.vpk", "four");
    unit_write(tree->dir->fd, CACHE "12/" ITEM_FILE, "{");
    put_known(tree, 13, "Thirteen", true);
    put_known(tree, 14, "Fourteen", true);
    // Of another item.
    assert_int_equal(
        renameat(tree->dir->fd, CACHE "14/" ITEM_FILE, tree->dir->fd, CACHE "13/" ITEM_FILE), 0);
    expect(tree, 3, "12 published 4 - 0\n13 published 4 - 0\n");
}

static int stop(void *user, const struct overlay_item *item, struct error *err)
{
    (void)item;
    ++*(unsigned *)user;
    return error_set(err, ERROR_FAILED, "that is enough");
}

static void test_whoever_takes_them_can_end_it(void **state)
{
    struct host_tree *tree = *state;
    struct error      err = { 0 };
    unsigned          n = 0;

    unit_write(tree->dir->fd, ADDONS "12.vpk", "four");
    unit_write(tree->dir->fd, ADDONS "13.vpk", "four");
    assert_int_equal(items_walk(&tree->paths, &source, 3, stop, &n, &err), -1);
    assert_int_equal(n, 1);
    assert_string_equal(err.message, "that is enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_there, host_tree_setup, host_tree_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_published_and_what_is_listed, host_tree_setup,
                                        host_tree_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_damaged_is_not_known, host_tree_setup,
                                        host_tree_teardown),
        cmocka_unit_test_setup_teardown(test_whoever_takes_them_can_end_it, host_tree_setup,
                                        host_tree_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
