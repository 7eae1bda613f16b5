// SPDX-License-Identifier: MIT
#include "files-world.h"

#include "files/keep.h"

#define READER 61234 // not root, who is let in everywhere

static char said[4096];

static void hear(void *user, const char *path, const char *why)
{
    size_t n = strlen(said);

    (void)user;
    snprintf(said + n, sizeof said - n, "%s %s\n", path, why);
}

static int keep(struct copytree_counts *ret, const struct files_world *world, const char *from,
                const char *to, bool replaces, struct error *err)
{
    struct keep_options options = { .replaces = replaces, .makes_parents = true, .skip = hear };
    AUTO_FD             upper = openat(world->dir->fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    said[0] = '\0';
    *err = (struct error){ 0 };
    return keep_run(ret, world->space, upper, from, to, &options, err);
}

static void test_a_file_is_kept(void **state)
{
    struct files_world     world = files_open(state, NULL);
    struct copytree_counts counts;
    struct error           err;

    unit_write(world.dir->fd, "upper/left4dead2/cfg/a", "1");
    unit_write(world.dir->fd, "upper/odd\n\xff", "2");
    assert_int_equal(keep(&counts, &world, "left4dead2/cfg/a", "cfg/deep/a", false, &err), 0);
    assert_int_equal(counts.files, 1);
    assert_int_equal(keep(&counts, &world, "left4dead2/cfg/a", "cfg/deep/a", false, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(keep(&counts, &world, "odd\n\xff", "cfg/deep/a", true, &err), 0);
    assert_int_equal(keep(&counts, &world, "odd\n\xff", "odd\n\xff", true, &err), -1);
    assert_string_equal(files_show(&world), "cfg/ cfg/deep/ cfg/deep/a=2");
    assert_int_equal(files_staged(&world), 0);
    files_check_usage(&world);
    files_close(&world);
}

static void test_nothing_else_is_read(void **state)
{
    static const char *const refused[] = {
        "link", "dir-link/passwd", "fifo",    "device",      "sock",  "",
        ".",    "../tree",         "nothing", "/etc/passwd", "file/x"
    };
    struct files_world     world = files_open(state, NULL);
    struct copytree_counts counts;
    struct error           err;

    unit_write(world.dir->fd, "upper/file", "x");
    assert_return_code(symlinkat("/etc/passwd", world.dir->fd, "upper/link"), errno);
    assert_return_code(symlinkat("/etc", world.dir->fd, "upper/dir-link"), errno);
    assert_return_code(mkfifoat(world.dir->fd, "upper/fifo", 0644), errno);
    assert_return_code(mknodat(world.dir->fd, "upper/device", S_IFCHR | 0644, 0),
                       errno); // a whiteout
    assert_return_code(mknodat(world.dir->fd, "upper/sock", S_IFSOCK | 0644, 0), errno);
    for (size_t i = 0; i < ELEMENTS(refused); i++)
        if (keep(&counts, &world, refused[i], "x", true, &err) == 0)
            fail_msg("'%s' was kept", refused[i]);
    assert_string_equal(files_show(&world), "");
    files_check_usage(&world);
    files_close(&world);
}

static void test_a_directory_without_what_is_hostile(void **state)
{
    struct files_world     world = files_open(state, NULL);
    struct copytree_counts counts;
    struct error           err;
    char                   command[256];

    unit_write(world.dir->fd, "upper/d/a", "1");
    unit_write(world.dir->fd, "upper/d/e/b", "2");
    unit_write(world.dir->fd, "upper/d/bad\nname", "x");
    unit_write(world.dir->fd, "upper/d/closed-file", "x");
    unit_write(world.dir->fd, "upper/d/closed/c", "x");
    assert_return_code(symlinkat("/etc/passwd", world.dir->fd, "upper/d/link"), errno);
    assert_return_code(mknodat(world.dir->fd, "upper/d/white", S_IFCHR | 0644, 0), errno);
    assert_return_code(fchmodat(world.dir->fd, "upper/d/closed-file", 0, 0), errno);
    assert_return_code(fchmodat(world.dir->fd, "upper/d/closed", 0, 0), errno);
    snprintf(command, sizeof command, "chown -R %d '%s'/tree '%s'/.work", READER, world.dir->path,
             world.dir->path);
    assert_int_equal(system(command), 0);
    assert_return_code(fchmod(world.dir->fd, 0755), errno);
    assert_return_code(seteuid(READER), errno);
    int r = keep(&counts, &world, "d", "d", false, &err);
    assert_return_code(seteuid(0), errno);
    if (r < 0)
        fail_msg("%s", err.message);
    assert_string_equal(files_show(&world), "d/ d/a=1 d/e/ d/e/b=2");
    assert_int_equal(counts.skipped, 5);
    assert_non_null(strstr(said, "bad?name has a name that may not be used"));
    assert_non_null(strstr(said, "closed may not be read"));
    assert_non_null(strstr(said, "closed-file may not be read"));
    assert_non_null(strstr(said, "link is a symbolic link"));
    assert_non_null(strstr(said, "white is not a file or directory"));
    files_check_usage(&world);
    files_close(&world);
}

static void test_within_the_quota(void **state)
{
    const struct space_limits limits = { 10, 3, 8 };
    struct files_world        world = files_open(state, &limits);
    struct copytree_counts    counts;
    struct error              err;

    unit_write(world.dir->fd, "upper/eight", "12345678");
    unit_write(world.dir->fd, "upper/nine", "123456789");
    unit_write(world.dir->fd, "upper/d/a", "12");
    unit_write(world.dir->fd, "upper/d/b", "34");
    assert_int_equal(keep(&counts, &world, "nine", "x", false, &err), -1);
    assert_non_null(strstr(err.message, "8 are allowed for one file"));
    assert_int_equal(keep(&counts, &world, "eight", "x", false, &err), 0);
    assert_int_equal(keep(&counts, &world, "d", "d", false, &err), -1); // 12 bytes, 4 entries
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    assert_int_equal(keep(&counts, &world, "d/a", "d/a", false, &err), 0);
    assert_int_equal(keep(&counts, &world, "d/b", "x", true, &err),
                     -1); // for a moment there are both
    assert_string_equal(files_show(&world), "d/ d/a=12 x=12345678");
    files_check_usage(&world);
    files_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_a_file_is_kept),
        IN_DIR(test_nothing_else_is_read),
        IN_DIR(test_a_directory_without_what_is_hostile),
        IN_DIR(test_within_the_quota),
    };

    if (geteuid() != 0)
        return 77; // a whiteout takes root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
