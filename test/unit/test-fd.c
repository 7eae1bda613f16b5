// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>

static void test_no_path_leaves_the_directory(void **state)
{
    struct unit_dir         *dir = *state;
    static const char *const refused[] = { "../etc",  "/etc/passwd", "link",    "link/passwd",
                                           "a/../..", "a/",          "a//file", "",
                                           "magic" };

    unit_write(dir->fd, "a/file", "inside");
    assert_return_code(symlinkat("/etc", dir->fd, "link"), errno);
    assert_return_code(symlinkat("/proc/self/root", dir->fd, "magic"), errno);
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        struct error err = { 0 };
        AUTO_FD      fd = -1;
        assert_int_equal(fd_open_beneath(&fd, dir->fd, refused[i], O_RDONLY, 0, &err), -1);
        assert_int_equal(fd, -1);
    }
    struct error err = { 0 };
    AUTO_FD      fd = -1;
    assert_int_equal(fd_open_beneath(&fd, dir->fd, "a/file", O_RDONLY, 0, &err), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void test_files_are_replaced_whole(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };

    unit_write(dir->fd, "state", "old and longer");
    assert_int_equal(fd_replace_file(dir->fd, "state", "new", 3, 0640, &err), 0);
    AUTO(freep) char *text = NULL;
    size_t            n = 0;
    assert_int_equal(fd_read_file(&text, &n, dir->fd, "state", 100, &err), 0);
    assert_int_equal(n, 3);
    assert_string_equal(text, "new");
    struct stat st;
    assert_return_code(fstatat(dir->fd, "state", &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(faccessat(dir->fd, ".state.tmp", F_OK, 0), -1);
    assert_int_equal(fd_replace_file(dir->fd, "../state", "x", 1, 0640, &err), -1);
}

static void test_reading_has_a_limit_and_wants_a_regular_file(void **state)
{
    struct unit_dir  *dir = *state;
    struct error      err = { 0 };
    AUTO(freep) char *text = NULL;

    unit_write(dir->fd, "big", "12345678");
    assert_int_equal(fd_read_file(&text, NULL, dir->fd, "big", 7, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_return_code(mkfifoat(dir->fd, "fifo", 0600), errno);
    assert_int_equal(fd_read_file(&text, NULL, dir->fd, "fifo", 7, &err), -1);
    assert_int_equal(fd_read_file(&text, NULL, dir->fd, ".", 7, &err), -1);
    assert_int_equal(fd_read_file(&text, NULL, dir->fd, "absent", 7, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_null(text);
}

static void test_components(void **state)
{
    (void)state;
    assert_true(fd_is_component("a"));
    assert_true(fd_is_component("..."));
    assert_false(fd_is_component(""));
    assert_false(fd_is_component("."));
    assert_false(fd_is_component(".."));
    assert_false(fd_is_component("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_path_leaves_the_directory, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_files_are_replaced_whole, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_reading_has_a_limit_and_wants_a_regular_file,
                                        unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
