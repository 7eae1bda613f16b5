// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <sys/xattr.h>
#include "base/protocol.h"
#include "files/layer.h"

static const struct copytree_limits limits = { LAYER_BYTES_MAX, LAYER_BYTES_MAX, LAYER_ENTRIES_MAX,
                                               LAYER_DEPTH_MAX };

struct world {
    struct unit_dir   *dir;
    char               data[96], host[96], said[4096];
    struct layer_paths paths;
};

static void hear(void *user, const char *line)
{
    struct world *world = user;
    size_t        n = strlen(world->said);

    snprintf(world->said + n, sizeof world->said - n, "%s\n", line);
}

static void write_spec(const struct world *world, struct build_spec spec)
{
    AUTO_FD fd =
        openat(world->dir->fd, "host/builds/7", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, &spec, sizeof spec), sizeof spec);
}

// Build 7 of overlay 3, over generation 5 or nothing.
static void world_make(struct world *world, void **state, uint32_t base)
{
    *world = (struct world){ .dir = *state };
    unit_write(world->dir->fd, "host/builds/x", "");
    unit_write(world->dir->fd, "data/builds/7/upper/left/over", "of a killed run");
    unit_write(world->dir->fd, "data/builds/7/source/tree/a", "aa");
    snprintf(world->data, sizeof world->data, "%s/data", world->dir->path);
    snprintf(world->host, sizeof world->host, "%s/host", world->dir->path);
    world->paths = (struct layer_paths){ world->data, world->host };
    write_spec(world, (struct build_spec){ PROTOCOL_MAGIC, sizeof(struct build_spec), 7, 1, 3, base,
                                           7, 2, OUTPUT_MAX_DEFAULT });
}

static int build(struct copytree_counts *ret, struct world *world,
                 const struct copytree_limits *within, struct error *err)
{
    struct layer_watch watch = { .say = hear, .user = world };

    world->said[0] = '\0';
    *err = (struct error){ 0 };
    return layer_build(ret, 7, &world->paths, within, &watch, err);
}

static struct stat look(const struct world *world, const char *path)
{
    struct stat st;

    if (fstatat(world->dir->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s: %s", path, strerror(errno));
    return st;
}

static bool is_there(const struct world *world, const char *path)
{
    return faccessat(world->dir->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#define TREE  "data/builds/7/source/tree/"
#define UPPER "data/builds/7/upper/"
#define BASE  "data/overlays/3/5/"

static void set_time(const struct world *world, const char *path, long s, long ns)
{
    struct timespec times[2] = { { s, ns }, { s, ns } };

    assert_return_code(utimensat(world->dir->fd, path, times, 0), errno);
}

static void test_a_first_build(void **state)
{
    struct world           world;
    struct copytree_counts counts;
    struct error           err;
    char                   value[2];

    world_make(&world, state, 0);
    unit_write(world.dir->fd, TREE "d/run", "program");
    assert_return_code(fchmodat(world.dir->fd, TREE "d/run", 0755, 0), errno);
    unit_write(world.dir->fd, TREE "d/.left4me-x/y", "hidden");
    unit_write(world.dir->fd, TREE ".left4me", "hidden");
    assert_return_code(symlinkat("/etc/passwd", world.dir->fd, TREE "link"), errno);
    assert_return_code(mkfifoat(world.dir->fd, TREE "bad\nfifo", 0644), errno);
    assert_return_code(mkdirat(world.dir->fd, TREE "none", 0700), errno);
    set_time(&world, TREE "a", 1234567, 987654321);
    if (build(&counts, &world, &limits, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(counts.files, 2);
    assert_int_equal(counts.dirs, 2);
    assert_int_equal(counts.bytes, 9);
    assert_int_equal(counts.linked, 0);
    assert_int_equal(counts.skipped, 2);
    assert_non_null(strstr(world.said, "note: 'link' is left out: it is a symbolic link\n"));
    assert_non_null(
        strstr(world.said, "note: 'bad?fifo' is left out: it is not a file or directory\n"));
    assert_false(is_there(&world, UPPER "left"));
    assert_false(is_there(&world, UPPER "link"));
    assert_false(is_there(&world, UPPER ".left4me"));
    assert_false(is_there(&world, UPPER "d/.left4me-x"));
    assert_int_equal(look(&world, UPPER "a").st_mode & 07777, 0640);
    assert_int_equal(look(&world, UPPER "a").st_mtim.tv_sec, 1234567);
    assert_int_equal(look(&world, UPPER "a").st_mtim.tv_nsec, 987654321);
    assert_int_equal(look(&world, UPPER "d/run").st_mode & 07777, 0750);
    assert_int_equal(look(&world, UPPER "d").st_mode & 07777, 0750);
    assert_int_equal(look(&world, UPPER "none").st_mode & 07777, 0750);
    AUTO_FD upper = openat(world.dir->fd, UPPER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fgetxattr(upper, "user.overlay.opaque", value, sizeof value), 1);
    assert_int_equal(value[0], 'y');
    AUTO(freep) char *text = NULL;
    assert_int_equal(fd_read_file(&text, NULL, upper, "d/run", 100, &err), 0);
    assert_string_equal(text, "program");
}

// What differs in one respect is copied, the rest is the base's own file.
static void test_what_did_not_change_costs_nothing(void **state)
{
    static const char *const names[] = { "same", "size", "time",   "ns",
                                         "mode", "new",  "d/same", "dir" };
    struct world             world;
    struct copytree_counts   counts;
    struct error             err;

    world_make(&world, state, 5);
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        char tree[64], base[64];
        snprintf(tree, sizeof tree, TREE "%s", names[i]);
        snprintf(base, sizeof base, BASE "%s", names[i]);
        unit_write(world.dir->fd, tree, "12345");
        set_time(&world, tree, 1000, 500);
        if (strcmp(names[i], "new") == 0)
            continue;
        if (strcmp(names[i], "dir") == 0) {
            unit_write(world.dir->fd, BASE "dir/x", "12345");
            continue;
        }
        unit_write(world.dir->fd, base, strcmp(names[i], "size") == 0 ? "1234" : "12345");
        set_time(&world, base, strcmp(names[i], "time") == 0 ? 1001 : 1000,
                 strcmp(names[i], "ns") == 0 ? 501 : 500);
    }
    assert_return_code(fchmodat(world.dir->fd, BASE "mode", 0755, 0), errno);
    unit_write(world.dir->fd, BASE "gone", "x");
    if (build(&counts, &world, &limits, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(counts.files, 9);
    assert_int_equal(counts.linked, 2);
    assert_int_equal(look(&world, UPPER "same").st_ino, look(&world, BASE "same").st_ino);
    assert_int_equal(look(&world, UPPER "d/same").st_ino, look(&world, BASE "d/same").st_ino);
    assert_int_not_equal(look(&world, UPPER "ns").st_ino, look(&world, BASE "ns").st_ino);
    assert_int_not_equal(look(&world, UPPER "mode").st_ino, look(&world, BASE "mode").st_ino);
    assert_int_not_equal(look(&world, UPPER "same").st_ino, look(&world, TREE "same").st_ino);
    assert_false(is_there(&world, UPPER "gone"));
    // And once more, from the beginning.
    assert_int_equal(build(&counts, &world, &limits, &err), 0);
    assert_int_equal(counts.linked, 2);
}

static void make_deep(const struct world *world, unsigned depth)
{
    char path[256] = TREE;

    for (unsigned i = 0; i < depth; i++)
        strcat(path, "d/");
    strcat(path, "f");
    unit_write(world->dir->fd, path, "123");
}

static void test_limits_from_both_sides(void **state)
{
    static const struct {
        struct copytree_limits limits;
        const char *want; // NULL: it works. The tree has "aa", three directories and "123"
    } rows[] = {
        { { 5, 3, 5, 3 }, NULL },
        { { 4, 3, 5, 3 }, "more than 4 bytes" },
        { { 5, 2, 5, 3 }, "2 are allowed for one file" },
        { { 5, 3, 4, 3 }, "more than 4 files and directories" },
        { { 5, 3, 5, 2 }, "too deep: 2 directories are allowed" },
    };
    struct world           world;
    struct copytree_counts counts;
    struct error           err;

    world_make(&world, state, 0);
    make_deep(&world, 3);
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        int r = build(&counts, &world, &rows[i].limits, &err);
        if ((r < 0) != (rows[i].want != NULL) ||
            (rows[i].want && !strstr(err.message, rows[i].want)))
            fail_msg("row %zu: %s", i, r < 0 ? err.message : "done");
    }
}

static void test_what_is_missing_is_said(void **state)
{
    struct world           world;
    struct copytree_counts counts;
    struct error           err;

    world_make(&world, state, 5);
    assert_int_equal(build(&counts, &world, &limits, &err), -1);
    assert_non_null(strstr(err.message, "generation 5 of overlay 3"));
    assert_return_code(unlinkat(world.dir->fd, "host/builds/7", 0), errno);
    assert_int_equal(build(&counts, &world, &limits, &err), -1);
    assert_non_null(strstr(err.message, "build 7"));
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

// A large sparse file goes as one, in parts, and is the same afterwards.
static void test_a_large_file(void **state)
{
    struct world           world;
    struct copytree_counts counts;
    struct error           err;
    char                   text[6] = "";

    world_make(&world, state, 0);
    unit_write(world.dir->fd, TREE "large", "");
    AUTO_FD fd = openat(world.dir->fd, TREE "large", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "end", 3, 20 << 20), 3);
    assert_int_equal(pwrite(fd, "mid", 3, 8 << 20), 3);
    assert_int_equal(build(&counts, &world, &limits, &err), 0);
    assert_int_equal(look(&world, UPPER "large").st_size, (20 << 20) + 3);
    AUTO_FD copy = openat(world.dir->fd, UPPER "large", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(copy, text, 3, 20 << 20), 3);
    assert_int_equal(pread(copy, text + 3, 3, 8 << 20), 3);
    assert_memory_equal(text, "endmid", 6);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_a_first_build),          IN_DIR(test_what_did_not_change_costs_nothing),
        IN_DIR(test_limits_from_both_sides), IN_DIR(test_what_is_missing_is_said),
        IN_DIR(test_a_large_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
