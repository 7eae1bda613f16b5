// SPDX-License-Identifier: MIT
#include "files-world.h"

static int save(struct listing_entry *ret, const struct files_world *world, const char *path,
                const char *text, struct edit_options options, struct error *err)
{
    return edit_save(ret, world->space, path, text, strlen(text), &options, err);
}

static void test_what_is_saved_can_be_read(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct listing_entry entry, again;
    struct error         err = { 0 };
    AUTO_FD              fd = -1;

    assert_int_equal(save(&entry, &world, "a/b/c", "hello",
                          (struct edit_options){ .makes_parents = true }, &err),
                     0);
    assert_string_equal(entry.name, "c");
    assert_int_equal(entry.size, 5);
    assert_false(entry.is_program);
    assert_string_equal(files_show(&world), "a/ a/b/ a/b/c=hello");
    assert_int_equal(edit_open(&fd, &again, world.space, "a/b/c", &err), 0);
    assert_string_equal(entry.etag.text, again.etag.text);
    struct stat st;
    assert_return_code(fstatat(world.space->tree_fd, "a/b/c", &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_return_code(fstatat(world.space->tree_fd, "a/b", &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0750);
    files_check_usage(&world);
    assert_int_equal(files_staged(&world), 0);
    files_close(&world);
}

static void test_the_x_bit_is_kept_or_set(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct listing_entry entry;
    struct error         err = { 0 };

    assert_int_equal(save(&entry, &world, "run", "1",
                          (struct edit_options){ .program = EDIT_PROGRAM_YES }, &err),
                     0);
    assert_true(entry.is_program);
    assert_int_equal(save(&entry, &world, "run", "2", (struct edit_options){ 0 }, &err), 0);
    assert_true(entry.is_program);
    assert_int_equal(
        save(&entry, &world, "run", "3", (struct edit_options){ .program = EDIT_PROGRAM_NO }, &err),
        0);
    assert_false(entry.is_program);
    assert_string_equal(files_show(&world), "run=3");
    files_close(&world);
}

static void test_two_editors_do_not_overwrite_each_other(void **state)
{
    struct files_world   one = files_open(state, NULL), two = files_open(state, NULL);
    struct listing_entry first, entry;
    struct error         err = { 0 };

    assert_int_equal(save(&first, &one, "f", "1", (struct edit_options){ .is_new = true }, &err),
                     0);
    assert_int_equal(save(&entry, &two, "f", "2", (struct edit_options){ .is_new = true }, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(
        save(&entry, &two, "f", "2", (struct edit_options){ .only_if = first.etag.text }, &err), 0);
    // Of the same size, and at once: the clock's tick is the same, the tag is not.
    assert_string_not_equal(first.etag.text, entry.etag.text);
    assert_int_equal(
        save(&entry, &one, "f", "3", (struct edit_options){ .only_if = first.etag.text }, &err),
        -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_non_null(strstr(err.message, "was changed by somebody else"));
    assert_string_equal(files_text(&one, "f"), "2");
    assert_int_equal(arrange_remove(one.space, "f", false, &err), 0);
    assert_int_equal(
        save(&entry, &two, "f", "3", (struct edit_options){ .only_if = entry.etag.text }, &err),
        -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    files_close(&one);
    files_close(&two);
}

static void test_only_regular_files_are_touched(void **state)
{
    struct files_world       world = files_open(state, NULL);
    struct listing_entry     entry;
    static const char *const refused[] = {
        "fifo", "link", "dangling", "dir", "dir-link/passwd", "dir/../x", "/etc/passwd", "", "sock"
    };
    struct error err = { 0 };
    int          tree_fd = world.space->tree_fd;

    assert_return_code(mkfifoat(tree_fd, "fifo", 0640), errno);
    assert_return_code(mknodat(tree_fd, "sock", S_IFSOCK | 0640, 0), errno);
    assert_return_code(symlinkat("/etc/passwd", tree_fd, "link"), errno);
    assert_return_code(symlinkat("nowhere", tree_fd, "dangling"), errno);
    assert_return_code(symlinkat("/etc", tree_fd, "dir-link"), errno);
    assert_int_equal(arrange_mkdir(world.space, "dir", false, &err), 0);
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        AUTO_FD fd = -1;
        if (edit_open(&fd, &entry, world.space, refused[i], &err) == 0 ||
            save(&entry, &world, refused[i], "x", (struct edit_options){ .makes_parents = true },
                 &err) == 0)
            fail_msg("'%s' was touched", refused[i]);
        assert_int_not_equal(err.kind, ERROR_SYSTEM);
    }
    assert_string_equal(files_show(&world), "dangling@ dir/ dir-link@ fifo? link@ sock?");
    files_close(&world);
}

static void test_the_size_of_a_save_is_limited(void **state)
{
    struct files_world        world = files_open(state, NULL);
    const struct edit_options options = { 0 };
    struct listing_entry      entry;
    struct error              err = { 0 };
    AUTO(freep) char         *bytes = calloc(1, EDIT_SAVE_MAX + 1);

    assert_non_null(bytes);
    assert_int_equal(edit_save(&entry, world.space, "f", bytes, EDIT_SAVE_MAX, &options, &err), 0);
    assert_int_equal(edit_save(&entry, world.space, "f", bytes, EDIT_SAVE_MAX + 1, &options, &err),
                     -1);
    assert_int_equal(entry.size, EDIT_SAVE_MAX);
    files_close(&world);
}

// ---- quotas -----------------------------------------------------------------------------------

static void test_quotas_from_both_sides(void **state)
{
    const struct space_limits limits = { 20, 3, 15 };
    struct files_world        world = files_open(state, &limits);
    struct error              err = { 0 };

    assert_int_equal(files_save(&world, "a", "0123456789012345", &err), -1); // 16
    assert_non_null(strstr(err.message, "15 are allowed"));
    assert_int_equal(files_save(&world, "a", "012345678901234", &err), 0); // 15
    assert_int_equal(files_save(&world, "b", "012345", &err), -1);         // 21
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    assert_non_null(strstr(err.message, "the overlay is full"));
    assert_int_equal(files_save(&world, "b", "01234", &err), 0); // 20
    // What is full can still be edited: the same size again, and smaller.
    assert_int_equal(files_save(&world, "a", "abcdefghijklmno", &err), 0);
    assert_int_equal(files_save(&world, "a", "abc", &err), 0);
    assert_int_equal(arrange_mkdir(world.space, "d", false, &err), 0); // 3 entries
    assert_int_equal(arrange_mkdir(world.space, "e", false, &err), -1);
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    assert_int_equal(files_save(&world, "d/f", "", &err), -1);
    assert_int_equal(arrange_remove(world.space, "d", false, &err), 0);
    assert_int_equal(files_save(&world, "c", "", &err), 0);
    assert_string_equal(files_show(&world), "a=abc b=01234 c=");
    files_check_usage(&world);
    files_close(&world);
}

// Files that came by another way are seen before anything is refused, and when they have gone.
static void test_the_count_is_verified(void **state)
{
    const struct space_limits limits = { 20, 10, 20 };
    struct files_world        world = files_open(state, &limits);
    struct error              err = { 0 };

    files_put(&world, "a", "0123456789");
    unit_write(world.space->tree_fd, "by-hand", "0123456789");
    for (unsigned i = 0; i < SPACE_RECOUNT_EVERY; i++)
        files_put(&world, "a", i % 2 ? "x" : "y");
    files_put(&world, "a", "0123456789");
    assert_int_equal(files_save(&world, "b", "x", &err), -1);
    assert_return_code(unlinkat(world.space->tree_fd, "by-hand", 0), errno);
    assert_int_equal(files_save(&world, "b", "x", &err), 0);
    // A count that was lost or damaged is made anew.
    assert_return_code(ftruncate(world.space->usage_fd, 7), errno);
    assert_int_equal(files_save(&world, "c", "0123456789", &err), -1);
    files_check_usage(&world);
    files_close(&world);
}

// What a killed process left in the stage goes with the next count; what is held stays.
static void test_leftovers_are_swept_away(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct space_stage stage = { .fd = -1 };
    struct error       err = { 0 };
    struct space_usage usage;

    assert_int_equal(space_read_usage(&usage, world.space, true, &err), 0);
    unit_write(world.space->stage_fd, "0123/of/the/dead", "x");
    unit_write(world.space->stage_fd, "4567", "x");
    assert_return_code(symlinkat("/etc", world.space->stage_fd, "89ab"), errno);
    assert_int_equal(space_stage_make(&stage, world.space, &err), 0);
    assert_int_equal(files_staged(&world), 4);
    struct files_world other = files_open(state, NULL);
    assert_int_equal(space_read_usage(&usage, other.space, true, &err), 0);
    assert_int_equal(files_staged(&world), 1);
    space_stage_done(&stage);
    assert_int_equal(files_staged(&world), 0);
    files_close(&other);
    files_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_what_is_saved_can_be_read),
        IN_DIR(test_the_x_bit_is_kept_or_set),
        IN_DIR(test_two_editors_do_not_overwrite_each_other),
        IN_DIR(test_only_regular_files_are_touched),
        IN_DIR(test_the_size_of_a_save_is_limited),
        IN_DIR(test_quotas_from_both_sides),
        IN_DIR(test_the_count_is_verified),
        IN_DIR(test_leftovers_are_swept_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
