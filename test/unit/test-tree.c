// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "base/tree.h"

#define DEEP 3000u // far more than descriptors at once, and than PATH_MAX

static void make_deep(int dir_fd, const char *name)
{
    AUTO_FD fd = -1;

    assert_return_code(mkdirat(dir_fd, name, 0700), errno);
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < DEEP; i++) {
        assert_return_code(mkdirat(fd, "d", 0700), errno);
        unit_write(fd, "f", "x");
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
}

static void test_every_shape_goes(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };

    unit_write(dir->fd, "outside", "stays");
    unit_write(dir->fd, "t/a/b/file", "x");
    assert_return_code(symlinkat("../outside", dir->fd, "t/link"), errno);
    assert_return_code(symlinkat("/etc", dir->fd, "t/a/etc"), errno);
    assert_return_code(mkfifoat(dir->fd, "t/fifo", 0600), errno);
    assert_return_code(mkdirat(dir->fd, "t/.deep-0", 0700), errno);
    make_deep(dir->fd, "t/deep");
    make_deep(dir->fd, "t/deeper");
    assert_return_code(fchmodat(dir->fd, "t/a/b", 0, 0), errno);

    assert_int_equal(tree_remove(dir->fd, "t", &err), 0);
    assert_int_equal(faccessat(dir->fd, "t", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(faccessat(dir->fd, "outside", F_OK, 0), 0);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    assert_int_equal(tree_remove(dir->fd, "t", &err), 0);
}

static void test_a_link_is_removed_not_followed(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };

    unit_write(dir->fd, "real/file", "x");
    assert_return_code(symlinkat("real", dir->fd, "link"), errno);
    assert_int_equal(tree_remove(dir->fd, "link", &err), 0);
    assert_int_equal(faccessat(dir->fd, "real/file", F_OK, 0), 0);
}

static void test_emptying_keeps_the_directory(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };

    unit_write(dir->fd, "a/b", "x");
    assert_int_equal(tree_empty(dir->fd, &err), 0);
    assert_int_equal(faccessat(dir->fd, "a", F_OK, 0), -1);
    assert_int_equal(access(dir->path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_shape_goes, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_link_is_removed_not_followed, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_emptying_keeps_the_directory, unit_dir_setup,
                                        unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
