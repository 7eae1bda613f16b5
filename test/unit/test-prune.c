// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "files/prune.h"

#define OWNER 61234 // not root, who is let in everywhere

static void own_all(const struct unit_dir *dir)
{
    char command[128];

    snprintf(command, sizeof command, "chown -R %d:%d '%s'", OWNER, OWNER, dir->path);
    assert_int_equal(system(command), 0);
}

static int prune(struct prune_result *ret, const struct unit_dir *dir, const char *list, size_t n,
                 struct error *err)
{
    AUTO_FD fd = openat(dir->fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *err = (struct error){ 0 };
    assert_return_code(fd, errno);
    assert_return_code(setegid(OWNER), errno);
    assert_return_code(seteuid(OWNER), errno);
    int r = prune_run(ret, fd, list, n, err);
    assert_return_code(seteuid(0), errno);
    assert_return_code(setegid(0), errno);
    return r;
}

static bool is_there(const struct unit_dir *dir, const char *path)
{
    struct stat st;

    return fstatat(dir->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_what_is_listed_goes(void **state)
{
    static const char list[] =
        "file\0d/file\0whole\0link\0odd\n\xff\0nothing\0file/x\0d/link/file\0";
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;

    unit_write(dir->fd, "outside/file", "stays");
    unit_write(dir->fd, "upper/file", "x");
    unit_write(dir->fd, "upper/d/file", "x");
    unit_write(dir->fd, "upper/d/stays", "x");
    unit_write(dir->fd, "upper/whole/a/b/c", "x");
    unit_write(dir->fd, "upper/odd\n\xff", "x");
    assert_return_code(symlinkat("../outside", dir->fd, "upper/link"), errno);
    assert_return_code(symlinkat("../../outside", dir->fd, "upper/d/link"), errno);
    own_all(dir);
    if (prune(&result, dir, list, sizeof list - 1, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(result.removed, 5);
    assert_int_equal(result.absent, 3);
    assert_int_equal(result.failed, 0);
    assert_false(is_there(dir, "upper/file"));
    assert_false(is_there(dir, "upper/whole"));
    assert_false(is_there(dir, "upper/link"));
    assert_true(is_there(dir, "upper/d/stays"));
    assert_true(is_there(dir, "upper/d/link"));
    assert_true(is_there(dir, "outside/file"));
}

static void test_directories_that_were_closed(void **state)
{
    static const char   list[] = "a/b/c\0closed\0readonly/f\0";
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;

    unit_write(dir->fd, "upper/a/b/c/d", "x");
    unit_write(dir->fd, "upper/closed/e", "x");
    unit_write(dir->fd, "upper/readonly/f", "x");
    own_all(dir);
    assert_return_code(fchmodat(dir->fd, "upper/a/b/c", 0, 0), errno);
    assert_return_code(fchmodat(dir->fd, "upper/a/b", 0, 0), errno);
    assert_return_code(fchmodat(dir->fd, "upper/a", 0, 0), errno);
    assert_return_code(fchmodat(dir->fd, "upper/closed", 0, 0), errno);
    assert_return_code(fchmodat(dir->fd, "upper/readonly", 0500, 0), errno);
    if (prune(&result, dir, list, sizeof list - 1, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(result.removed, 3);
    assert_true(is_there(dir, "upper/a/b"));
    assert_false(is_there(dir, "upper/a/b/c"));
    assert_false(is_there(dir, "upper/closed"));
    assert_false(is_there(dir, "upper/readonly/f"));
}

// One that cannot be removed does not keep the others.
static void test_a_failure_is_told_at_the_end(void **state)
{
    static const char   list[] = "theirs/f\0mine\0";
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;

    unit_write(dir->fd, "upper/mine", "x");
    unit_write(dir->fd, "upper/theirs/f", "x");
    own_all(dir);
    assert_return_code(fchownat(dir->fd, "upper/theirs", 0, 0, 0), errno);
    assert_int_equal(prune(&result, dir, list, sizeof list - 1, &err), -1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.failed, 1);
    assert_non_null(strstr(err.message, "'theirs/f'"));
    assert_false(is_there(dir, "upper/mine"));
}

static const struct {
    const char *list;
    size_t      n;
} bad[] = {
    { "a", 1 },      { "a\0b", 3 }, { "\0", 1 },       { "a\0\0", 3 },
    { "/etc\0", 5 }, { "..\0", 3 }, { "a/../b\0", 7 }, { "a/\0", 3 },
    { "a//b\0", 5 }, { ".\0", 2 },  { "./a\0", 4 },    { "a\0../outside\0", 13 },
};

static void test_a_bad_list_removes_nothing(void **state)
{
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;

    unit_write(dir->fd, "upper/a", "x");
    own_all(dir);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        if (prune(&result, dir, bad[i].list, bad[i].n, &err) == 0)
            fail_msg("row %zu", i);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    assert_true(is_there(dir, "upper/a"));
    assert_int_equal(prune(&result, dir, "", 0, &err), 0);
}

static void test_limits_from_both_sides(void **state)
{
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;
    AUTO(freep) char   *list = calloc(1, PRUNE_LIST_MAX + 1);

    unit_write(dir->fd, "upper/a", "x");
    own_all(dir);
    for (size_t i = 0; i <= PRUNE_PATHS_MAX; i++)
        list[2 * i] = 'a';
    assert_int_equal(prune(&result, dir, list, 2 * (size_t)PRUNE_PATHS_MAX, &err), 0);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.absent, PRUNE_PATHS_MAX - 1);
    assert_int_equal(prune(&result, dir, list, 2 * (size_t)PRUNE_PATHS_MAX + 2, &err), -1);
    assert_int_equal(prune(&result, dir, list, PRUNE_LIST_MAX + 1, &err), -1);
    assert_non_null(strstr(err.message, "8388608 bytes"));
    // One path of the longest kind, and of one byte more.
    for (size_t i = 0; i < PRUNE_PATH_MAX + 1; i++)
        list[i] = i % 2 && i + 1 < PRUNE_PATH_MAX ? '/' : 'a';
    list[PRUNE_PATH_MAX] = '\0';
    assert_int_equal(prune(&result, dir, list, PRUNE_PATH_MAX + 1, &err), 0);
    list[PRUNE_PATH_MAX] = 'a';
    list[PRUNE_PATH_MAX + 1] = '\0';
    assert_int_equal(prune(&result, dir, list, PRUNE_PATH_MAX + 2, &err), -1);
}

// More entries and more depth than anybody holds in memory or descriptors.
static void test_huge_directories(void **state)
{
    struct unit_dir    *dir = *state;
    struct prune_result result = { 0 };
    struct error        err;

    unit_write(dir->fd, "upper/x", "");
    AUTO_FD many = -1;
    assert_return_code(mkdirat(dir->fd, "upper/many", 0755), errno);
    many = openat(dir->fd, "upper/many", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        assert_return_code(symlinkat("x", many, name), errno);
    }
    int deep = openat(dir->fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < 2000; i++) {
        assert_return_code(mkdirat(deep, "deep", 0755), errno);
        int next = openat(deep, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(deep);
        deep = next;
    }
    close(deep);
    own_all(dir);
    if (prune(&result, dir, "many\0deep\0", 10, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(result.removed, 2);
    assert_false(is_there(dir, "upper/deep"));
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_what_is_listed_goes),          IN_DIR(test_directories_that_were_closed),
        IN_DIR(test_a_failure_is_told_at_the_end), IN_DIR(test_a_bad_list_removes_nothing),
        IN_DIR(test_limits_from_both_sides),       IN_DIR(test_huge_directories),
    };

    if (geteuid() != 0)
        return 77; // being another owner takes root
    return cmocka_run_group_tests(tests, NULL, NULL);
}
