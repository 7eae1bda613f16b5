// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "host/paths.h"
#include "host/steamplace.h"

static void make_tree(int dir_fd, const char *program)
{
    static const char *const dirs[] = { ".", "opt", "opt/steamcmd" };
    char                     path[64];

    snprintf(path, sizeof path, "opt/steamcmd/%s", program);
    unit_write(dir_fd, path, "#!/bin/sh\n");
    assert_return_code(fchmodat(dir_fd, path, 0755, 0), errno);
    for (size_t i = 0; i < ELEMENTS(dirs); i++) // whatever the umask is
        assert_return_code(fchmodat(dir_fd, dirs[i], 0755, 0), errno);
}

static void test_a_place_of_roots_is_good(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };

    make_tree(dir->fd, "steamcmd.sh");
    if (steamplace_check_below(dir->path, "/opt/steamcmd", getuid(), &err) < 0)
        fail_msg("%s", err.message);
    assert_return_code(renameat(dir->fd, "opt/steamcmd/steamcmd.sh", dir->fd, "steamcmd"), errno);
    if (steamplace_check_below(dir->path, "/", getuid(), &err) < 0)
        fail_msg("%s", err.message);
}

static void test_what_others_can_change_is_refused(void **state)
{
    static const struct {
        const char     *path;
        mode_t          mode;
        enum error_kind want;
        const char     *words;
    } cases[] = {
        { "opt/steamcmd", 0775, ERROR_DENIED, "/opt/steamcmd can be changed by others" },
        { "opt/steamcmd", 0757, ERROR_DENIED, "/opt/steamcmd can be changed by others" },
        { "opt", 0775, ERROR_DENIED, "/opt can be changed by others" },
        { "opt", 01777, ERROR_DENIED, "mode 777" },
        { ".", 0775, ERROR_DENIED, "/ can be changed by others" },
        { "opt/steamcmd/steamcmd.sh", 0775, ERROR_DENIED, "steamcmd.sh can be changed by others" },
        { "opt/steamcmd", 0750, ERROR_DENIED, "is closed to other users" },
        { "opt/steamcmd/steamcmd.sh", 0644, ERROR_INVALID, "holds no steamcmd.sh or steamcmd" },
        { "opt/steamcmd/steamcmd.sh", 0750, ERROR_INVALID, "holds no steamcmd.sh or steamcmd" },
        { "opt", 0711, ERROR_NONE, NULL }, // nobody has to list it
    };
    struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        make_tree(dir->fd, "steamcmd.sh");
        assert_return_code(fchmodat(dir->fd, cases[i].path, cases[i].mode, 0), errno);
        int r = steamplace_check_below(dir->path, "/opt/steamcmd", getuid(), &err);
        assert_int_equal(r, cases[i].want ? -1 : 0);
        assert_int_equal(err.kind, cases[i].want);
        if (cases[i].words && !strstr(err.message, cases[i].words))
            fail_msg("%s", err.message);
    }
}

static void test_whom_it_belongs_to_counts(void **state)
{
    static const char *const paths[] = { "opt", "opt/steamcmd", "opt/steamcmd/steamcmd" };
    struct unit_dir         *dir = *state;
    struct error             err = { 0 };

    make_tree(dir->fd, "steamcmd");
    assert_int_equal(steamplace_check_below(dir->path, "/opt/steamcmd", getuid() + 1, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(err.errnum, 0);
    if (getuid() != 0)
        skip();
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        assert_return_code(fchownat(dir->fd, paths[i], 1, 0, 0), errno);
        assert_int_equal(steamplace_check_below(dir->path, "/opt/steamcmd", 0, &err), -1);
        assert_non_null(strstr(err.message, "(owner 1, mode 755)"));
        assert_return_code(fchownat(dir->fd, paths[i], 0, 0, 0), errno);
    }
}

static void test_paths_that_are_none(void **state)
{
    static const struct {
        const char     *path;
        enum error_kind want; // ERROR_KIND_COUNT: any
    } cases[] = {
        { "/link/steamcmd", ERROR_KIND_COUNT },
        { "/opt/gone", ERROR_NOT_FOUND },
        { "/opt//steamcmd", ERROR_KIND_COUNT },
        { "/opt/steamcmd/", ERROR_NONE },
        { "/opt/../opt/steamcmd", ERROR_KIND_COUNT },
        { "opt/steamcmd", ERROR_INVALID },
        { "", ERROR_INVALID },
    };
    struct unit_dir *dir = *state;

    make_tree(dir->fd, "steamcmd.sh");
    assert_return_code(symlinkat("opt", dir->fd, "link"), errno);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        int          r = steamplace_check_below(dir->path, cases[i].path, getuid(), &err);
        assert_int_equal(r, cases[i].want ? -1 : 0);
        if (cases[i].want != ERROR_KIND_COUNT)
            assert_int_equal(err.kind, cases[i].want);
    }
}

// A place below /tmp is one that everybody can change.
static void test_the_link_is_left_alone_when_the_place_is_bad(void **state)
{
    struct unit_dir  *dir = *state;
    char              path[96], link[96];
    struct host_paths paths = { .steamcmd_link = link };
    struct error      err = { 0 };

    make_tree(dir->fd, "steamcmd.sh");
    snprintf(path, sizeof path, "%s/opt/steamcmd/steamcmd.sh", dir->path);
    snprintf(link, sizeof link, "%s/etc/steamcmd", dir->path);
    assert_int_equal(steamplace_set(&paths, path, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(faccessat(dir->fd, "etc", F_OK, 0), -1);
    assert_int_equal(steamplace_set(&paths, "/nowhere", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(steamplace_set(&paths, "/etc/passwd", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

#define IN_A_DIR(test) cmocka_unit_test_setup_teardown(test, unit_dir_setup, unit_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_DIR(test_a_place_of_roots_is_good),
        IN_A_DIR(test_what_others_can_change_is_refused),
        IN_A_DIR(test_whom_it_belongs_to_counts),
        IN_A_DIR(test_paths_that_are_none),
        IN_A_DIR(test_the_link_is_left_alone_when_the_place_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
