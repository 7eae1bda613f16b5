// SPDX-License-Identifier: MIT
#include "publish-world.h"

static void test_old_generations_go(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 6, 3);
    assert_state(&world, 6, "6 5 4");
    assert_overlay_holds(&world, "4 5 6");
}

static void test_used_generations_stay(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 4, 4);
    instance_make(&world, "host/instances", "applied", 1, 1);
    instance_make(&world, "mounted", "running", 1, 2);
    instance_make(&world, "mounted", "elsewhere", 2, 3);
    unit_write(world.dir->fd, "host/instances/.new.tmp", "half");
    publish_many(&world, 5, 5, 1);
    assert_state(&world, 5, "5 4 2 1");
    assert_overlay_holds(&world, "1 2 4 5");
    assert_return_code(unlinkat(world.dir->fd, "host/instances/applied", 0), errno);
    publish_many(&world, 6, 6, 1);
    assert_state(&world, 6, "6 5 2");
    assert_overlay_holds(&world, "2 5 6");
}

// Whoever starts a server while its game is published has read which one is current before.
static void test_what_was_current_stays_for_one_more(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 3, 1);
    assert_state(&world, 3, "3 2");
    assert_overlay_holds(&world, "2 3");
}

static void test_the_base_of_another_build_stays(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 3, 3);
    build_make(&world, 9, 1, 1, "f z=1");
    publish_many(&world, 4, 4, 1);
    assert_state(&world, 4, "4 3 1");
    (void)must_publish(&world, 9, PUBLISH_DONE);
    assert_state(&world, 9, "9 4");
    assert_generation(&world, 9, "a=1 z=1");
}

static const char *const unreadable[] = { "host/instances/bad", "mounted/bad", "host/builds/99" };

static void test_nothing_goes_when_uses_are_unknown(void **state)
{
    for (size_t i = 0; i < ELEMENTS(unreadable); i++) {
        struct world world = world_make(state);
        publish_many(&world, 1, 3, 3);
        unit_write(world.dir->fd, unreadable[i], "garbage");
        unit_write(world.dir->fd, OVERLAY "/77/leftover", "x");
        publish_many(&world, 4, 4, 1);
        assert_state(&world, 4, "4 3 2 1");
        assert_overlay_holds(&world, "1 2 3 4 77");
        world_empty(&world);
    }
    struct world world = world_make(state);
    publish_many(&world, 1, 3, 3);
    assert_return_code(unlinkat(world.dir->fd, "mounted", AT_REMOVEDIR), errno);
    publish_many(&world, 4, 4, 1);
    assert_state(&world, 4, "4 3 2 1");
}

static void test_leftovers_go(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, OVERLAY "/.new-8/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.old-3/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.old-x/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.gone-4/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/5/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/2/d/f", "x"); // where the next one will be
    unit_write(world.dir->fd, OVERLAY "/notes/f", "not ours");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".");
    publish_many(&world, 2, 2, 3);
    assert_overlay_holds(&world, "1 2 notes");
    assert_generation(&world, 2, "a=2");
}

// What a killed run left: a whole tree has its name again if somebody needs it, a half one never.
static void test_leftovers_that_are_in_use(void **state)
{
    static const struct {
        const char *leftover, *want;
    } cases[] = {
        { ".old-8", "1 2 8" },
        { ".gone-8", "1 2" },
        { ".new-8", "1 2" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world = world_make(state);
        char         path[64];
        publish_many(&world, 1, 1, 3);
        instance_make(&world, "host/instances", "late", 1, 8);
        snprintf(path, sizeof path, OVERLAY "/%s/f", cases[i].leftover);
        unit_write(world.dir->fd, path, "x");
        AUTO_FD fd = -1;
        overlay_open(&fd, &world);
        chown_all(fd, ".");
        publish_many(&world, 2, 2, 3);
        assert_overlay_holds(&world, cases[i].want);
        world_empty(&world);
    }
}

static void test_a_name_that_is_taken_is_not_given_back(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, OVERLAY "/.old-1/f", "x");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".old-1");
    publish_many(&world, 2, 2, 3);
    assert_overlay_holds(&world, "1 2");
    assert_generation(&world, 1, "a=1");
}

// ---- indexes ----------------------------------------------------------------------------------

static bool is_there(const struct world *world, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, OVERLAY "/%s", name);
    return faccessat(world->dir->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_indexes_go_with_their_generations(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 4, 2);
    assert_state(&world, 4, "4 3");
    static const char *const names[] = { "1.index", "2.index", "3.index", "4.index" };
    for (size_t i = 0; i < ELEMENTS(names); i++)
        assert_int_equal(is_there(&world, names[i]), i >= 2);
}

static void test_the_index_of_a_used_generation_stays(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 1);
    instance_make(&world, "mounted", "running", 1, 1);
    publish_many(&world, 2, 4, 1);
    assert_state(&world, 4, "4 3 1");
    assert_overlay_holds(&world, "1 3 4");
    assert_true(is_there(&world, "1.index"));
    assert_false(is_there(&world, "2.index"));
}

static void test_leftovers_of_indexes(void **state)
{
    static const struct {
        const char *name;
        bool        stays;
    } rows[] = {
        { "7.index", false },      { ".7.index.tmp", false }, { ".1.index.tmp", false },
        { "1.index", true },       { "x.index", true },       { "07.index", true },
        { ".index", true },        { "7.index.bak", true },   { ".x.index.tmp", true },
        { "notes.index/a", true }, { "9.index/a", false }, // even that is nobody's
    };
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        char path[64];
        if (strcmp(rows[i].name, "1.index") == 0)
            continue;
        snprintf(path, sizeof path, OVERLAY "/%s", rows[i].name);
        unit_write(world.dir->fd, path, "x");
    }
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".");
    publish_many(&world, 2, 2, 3);
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (is_there(&world, rows[i].name) != rows[i].stays)
            fail_msg("%s", rows[i].name);
    assert_state(&world, 2, "2 1");
}

static void test_indexes_without_trees_go_also_when_uses_are_unknown(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, "mounted/bad", "garbage");
    unit_write(world.dir->fd, OVERLAY "/7.index", "x");
    unit_write(world.dir->fd, OVERLAY "/8.index", "x");
    unit_write(world.dir->fd, OVERLAY "/8/f", "x");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".");
    publish_many(&world, 2, 2, 3);
    assert_false(is_there(&world, "7.index"));
    assert_true(is_there(&world, "8.index"));
}

// `.old-1` beside a 1 is a leftover; the index is that of the 1.
static void test_an_index_outlives_a_twin_of_its_tree(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, OVERLAY "/.old-1/f", "x");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".old-1");
    publish_many(&world, 2, 2, 3);
    assert_overlay_holds(&world, "1 2");
    assert_state(&world, 2, "2 1");
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_old_generations_go),
        IN_DIR(test_used_generations_stay),
        IN_DIR(test_what_was_current_stays_for_one_more),
        IN_DIR(test_the_base_of_another_build_stays),
        IN_DIR(test_nothing_goes_when_uses_are_unknown),
        IN_DIR(test_leftovers_go),
        IN_DIR(test_leftovers_that_are_in_use),
        IN_DIR(test_a_name_that_is_taken_is_not_given_back),
        IN_DIR(test_indexes_go_with_their_generations),
        IN_DIR(test_the_index_of_a_used_generation_stays),
        IN_DIR(test_leftovers_of_indexes),
        IN_DIR(test_indexes_without_trees_go_also_when_uses_are_unknown),
        IN_DIR(test_an_index_outlives_a_twin_of_its_tree),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
