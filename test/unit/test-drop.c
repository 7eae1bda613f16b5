// SPDX-License-Identifier: MIT
#include "content-tree.h"

#include <sys/wait.h>
#include "content/drop.h"

// What is dropped from the upper layer of a server, which a game has filled. Beside it lies what
// must not be touched: "outside" with a file "a", and a directory "d" with one.

struct world {
    struct unit_dir *dir;
    int              upper_fd, outside_fd;
};

static const char untouched[] = "a d/ d/a";

static struct world world_make(void **state, const char *upper)
{
    struct world world = { .dir = *state };

    assert_return_code(fchmod(world.dir->fd, 0755), errno);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "outside" : "upper";
        assert_return_code(mkdirat(world.dir->fd, name, 0755), errno);
        int fd = openat(world.dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(fd, errno);
        tree_make(fd, i ? "f a=1; d d; f d/a=1" : upper);
        *(i ? &world.outside_fd : &world.upper_fd) = fd;
    }
    return world;
}

static void world_done(struct world *world)
{
    char command[160];

    close(world->upper_fd);
    close(world->outside_fd);
    snprintf(command, sizeof command, "rm -rf '%s'/*", world->dir->path);
    assert_int_equal(system(command), 0);
}

static void list_dir(struct tree_text *ret, int dir_fd, const char *path)
{
    struct dirent **entries = NULL;
    char            where[512];

    snprintf(where, sizeof where, "/proc/self/fd/%d", dir_fd);
    int n = scandir(where, &entries, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        AUTO_FD     fd = -1;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            snprintf(where, sizeof where, "%s%s%s", path, *path ? "/" : "", name);
            show_add(ret, *ret->text ? " " : "");
            show_add(ret, where);
            fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd >= 0) {
            show_add(ret, "/");
            list_dir(ret, fd, where);
        }
        free(entries[i]);
    }
    free(entries);
}

// What there is, by its names alone: "d/ d/file".
static struct tree_text list(int dir_fd)
{
    struct tree_text ret = { "" };

    list_dir(&ret, dir_fd, "");
    return ret;
}

static int drop_watched(const struct world *world, const char *paths, size_t n,
                        const struct watch *watch, struct error *err)
{
    become_content();
    int r = drop_paths(world->upper_fd, paths, n, watch, err);
    root_again();
    return r;
}

static int drop(const struct world *world, const char *paths, size_t n, struct error *err)
{
    static const struct watch nobody;

    return drop_watched(world, paths, n, &nobody, err);
}

#define LIST(literal) literal, sizeof(literal)

static void test_what_is_dropped(void **state)
{
    static const struct {
        const char *name, *upper, *paths;
        size_t      n;
        const char *want;
    } cases[] = {
        { "a file", "f a; f b", LIST("a"), "b" },
        { "two", "f a; f b; f c", LIST("a\0c"), "b" },
        { "all", "f a; d b; f b/c", LIST("a\0b"), "" },
        { "a directory with all that is in it", "d d; f d/x; d d/e; f d/e/y; l d/l=x; f z",
          LIST("d"), "z" },
        { "one of a directory", "d d; f d/x; f d/y", LIST("d/x"), "d/ d/y" },
        { "the last one of a directory", "d d; d d/e; f d/e/x", LIST("d/e/x"), "d/ d/e/" },
        { "a mark that something is gone", "w a; f b", LIST("a"), "b" },
        { "such a mark in a directory", "d d; w d/a; f d/b", LIST("d/a"), "d/ d/b" },
        { "a directory that hides what is below", "o d; f d/x; f z", LIST("d"), "z" },
        { "with attributes", "a x; f z", LIST("x"), "z" },
        { "of mode 000", "0 x; f z", LIST("x"), "z" },
        { "of another kind", "s a; g b; c c; b d; p e; k f; x g", LIST("a\0b\0c\0d\0e\0f"), "g" },
        { "one of two names", "f a=1; h b=a", LIST("a"), "b" },
        { "a link", "l a=z; f z", LIST("a"), "z" },
        { "a link that leads out", "l a=../outside; l b=/etc; l c=../outside/a; f z",
          LIST("a\0b\0c"), "z" },
        { "a directory of links that lead out",
          "d d; l d/a=../../outside; l d/b=../../outside/a; f z", LIST("d"), "z" },

        // Directories that the game has closed.
        { "in a closed directory", "n d; f d/x; f d/y", LIST("d/x"), "d/ d/y" },
        { "in a closed one of a closed one", "n d; n d/e; f d/e/x; f z", LIST("d/e/x"),
          "d/ d/e/ z" },
        { "a closed directory", "n d; n d/e; f d/e/x; f z", LIST("d"), "z" },

        // What is not there counts as dropped, and no link is followed.
        { "nothing there", "f z", LIST("a"), "z" },
        { "no such directory", "f z", LIST("a/b/c"), "z" },
        { "the same twice", "f a; f z", LIST("a\0a"), "z" },
        { "a directory, and then what was in it", "d d; f d/x; f z", LIST("d\0d/x"), "z" },
        { "below a file", "f a; f z", LIST("a/b\0z"), "a" },
        { "below a mark", "w a; f z", LIST("a/b/c\0z"), "a" },
        { "below a FIFO", "p a; f z", LIST("a/b\0z"), "a" },
        { "below a link", "l a=d; d d; f d/x; f z", LIST("a/x\0z"), "a d/ d/x" },
        { "below a link that leads out", "l a=../outside; f z", LIST("a/a\0a/d/a\0a/d\0z"), "a" },
        { "below such a link in a directory", "d d; l d/a=../../outside; f z",
          LIST("d/a/a\0d/a/d\0z"), "d/ d/a" },
        { "below a link to the root", "l a=/; f z", LIST("a/tmp\0z"), "a" },
        { "below a link to itself", "l a=a; f z", LIST("a/a\0z"), "a" },
        { "in other case", "f A; f a", LIST("A"), "a" },

        // Names are bytes.
        { "odd names", "f a\nb; f \x1b[2J; f \xff\xfe; f  ; f -rf; f ...; f z",
          LIST("a\nb\0\x1b[2J\0\xff\xfe\0 \0-rf\0..."), "z" },
        { "a star is a star", "f *; f b", LIST("*"), "b" },
        { "a backslash is one", "f a\\b; d a; f a/b", LIST("a\\b"), "a/ a/b" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world = world_make(state, cases[i].upper);
        struct error err = { 0 };
        if (drop(&world, cases[i].paths, cases[i].n, &err) < 0)
            fail_msg("%s: %s", cases[i].name, err.message);
        if (strcmp(list(world.upper_fd).text, cases[i].want) != 0)
            fail_msg("%s: left is '%s'", cases[i].name, list(world.upper_fd).text);
        assert_string_equal(list(world.outside_fd).text, untouched);
        world_done(&world);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *paths;
        size_t      n;
        const char *words;
    } cases[] = {
        { "", 0, "empty or cut off" },
        { "a", 1, "empty or cut off" },
        { "a\0b", 3, "empty or cut off" },
        { LIST(""), "empty or too long" },
        { LIST("a\0"), "empty or too long" },
        { LIST("\0a"), "empty or too long" },
        { LIST("a\0\0b"), "empty or too long" },
        { LIST("/"), "'/' is not a path" },
        { LIST("/a"), "'/a' is not a path" },
        { LIST("//a"), "is not a path" },
        { LIST("a/"), "'a/' is not a path" },
        { LIST("a//b"), "is not a path" },
        { LIST("."), "is not a path" },
        { LIST(".."), "is not a path" },
        { LIST("./a"), "is not a path" },
        { LIST("a/."), "is not a path" },
        { LIST("a/./b"), "is not a path" },
        { LIST("../outside"), "'../outside' is not a path" },
        { LIST("d/.."), "is not a path" },
        { LIST("d/../../outside/a"), "is not a path" },
        { LIST("d/../a"), "is not a path" },
        { LIST("a\x1b[2J/.."), "'a?[2J/..' is not a path" },
        { LIST("a\0d\0.."), "is not a path" }, // and nothing before it is dropped
    };
    struct world world = world_make(state, "f a; f b; d d; f d/x");

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error      err = { 0 };
        AUTO(freep) char *copy = malloc(cases[i].n + !cases[i].n); // a sanitizer guards its end
        memcpy(copy, cases[i].paths, cases[i].n);
        assert_int_equal(drop(&world, copy, cases[i].n, &err), -1);
        if (err.kind != ERROR_INVALID || !strstr(err.message, cases[i].words))
            fail_msg("row %zu: %u, %s", i, err.kind, err.message);
        assert_string_equal(list(world.upper_fd).text, "a b d/ d/x");
        assert_string_equal(list(world.outside_fd).text, untouched);
    }
    world_done(&world);
}

// A path of `n` bytes without its NUL, of components of `n_part`.
static char *long_path(size_t n, size_t n_part)
{
    char *path = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        path[i] = i % (n_part + 1) == n_part ? '/' : 'x';
    path[n] = '\0';
    return path;
}

static void test_limits(void **state)
{
    static const struct {
        size_t n, n_part;
        bool   is_good;
    } cases[] = {
        { 255, 255, true },
        { 256, 256, false },
        { 255 + 1 + 255, 255, true },
        { 255 + 1 + 256, 255, true }, // a third one, which is empty: "is not a path"
        { DROP_PATH_MAX - 1, 255, true },
        { DROP_PATH_MAX - 1, 1, true },
        { DROP_PATH_MAX, 255, false },
        { DROP_PATH_MAX + 1, 1, false },
        { 1 << 20, 255, false },
        { 1 << 20, 1 << 20, false },
    };
    struct world world = world_make(state, "f a");

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error      err = { 0 };
        AUTO(freep) char *path = long_path(cases[i].n, cases[i].n_part);
        bool              is_good = cases[i].is_good && path[cases[i].n - 1] != '/';
        if (drop(&world, path, cases[i].n + 1, &err) != (is_good ? 0 : -1))
            fail_msg("row %zu: %s", i, err.message);
        if (!is_good)
            assert_int_equal(err.kind, ERROR_INVALID);
    }
    assert_string_equal(list(world.upper_fd).text, "a");
    world_done(&world);
}

// Makes directories in one another, and a file in the last one.
static void dig(int dir_fd, unsigned depth)
{
    int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

    for (unsigned i = 0; i < depth; i++) {
        assert_return_code(mkdirat(fd, "x", 0700), errno);
        assert_return_code(fchownat(fd, "x", CONTENT_UID, CONTENT_UID, 0), errno);
        int next = openat(fd, "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(next, errno);
        close(fd);
        fd = next;
    }
    make_file(fd, "x", "1", 0644);
    close(fd);
}

static void test_deep_trees(void **state)
{
    struct world      world = world_make(state, "f z");
    struct error      err = { 0 };
    AUTO(freep) char *path = long_path(DROP_PATH_MAX - 1, 1);

    dig(world.upper_fd, 3000);
    assert_int_equal(drop(&world, path, DROP_PATH_MAX, &err), 0); // as deep as a path leads
    path[DROP_PATH_MAX - 3] = '\0';
    assert_int_equal(drop(&world, path, DROP_PATH_MAX - 2, &err), 0); // the one that it was in
    assert_int_equal(drop(&world, LIST("x"), &err), 0);
    assert_string_equal(list(world.upper_fd).text, "z");
    dig(world.upper_fd, 5000);
    assert_int_equal(drop(&world, LIST("x"), &err), 0);
    assert_string_equal(list(world.upper_fd).text, "z");
    world_done(&world);
}

// What stands in the way is named; what came before it in the list is gone.
static void test_what_cannot_be_dropped(void **state)
{
    struct world world = world_make(state, "f a; d d; f d/x; f z");
    struct error err = { 0 };

    assert_return_code(fchownat(world.upper_fd, "d", 0, 0, 0), errno);
    assert_int_equal(drop(&world, LIST("a\0d/x\0z"), &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_string_equal(err.message, "'d/x': removing 'x': Permission denied");
    assert_string_equal(list(world.upper_fd).text, "d/ d/x z");
    world_done(&world);
}

// ---- what is said, and death at every step ------------------------------------------------------

static void say(void *user, const char *line)
{
    char  *text = user;
    size_t n = strlen(text);

    snprintf(text + n, 128 - n, "%s|", line);
}

static void test_what_is_said(void **state)
{
    struct world world = world_make(state, "f a; d d; f d/\x1b; f z");
    char         text[128] = "";
    struct watch watch = { .say = say, .user = text };
    struct error err = { 0 };

    assert_int_equal(drop_watched(&world, LIST("a\0d/\x1b"), &watch, &err), 0);
    assert_string_equal(text, "dropped 'a'|dropped 'd/?'|");
    world_done(&world);
}

static void burn(void *user, const char *what)
{
    unsigned *steps_left = user;

    (void)what;
    if ((*steps_left)-- == 0)
        _exit(9); // as kill -9 would
}

#define MANY "a\0d/x\0e\0w\0l"

static void test_death_at_every_step(void **state)
{
    int status = 0;

    for (unsigned step = 0; status != 0 || step == 0; step++) {
        struct world world =
            world_make(state, "f a; d d; f d/x; f d/y; d e; f e/x; w w; l l=../outside; f z");
        struct error err = { 0 };
        pid_t        pid = fork();
        assert_return_code(pid, errno);
        if (pid == 0) {
            unsigned     steps_left = step;
            struct watch watch = { .step = burn, .user = &steps_left };
            _exit(drop_watched(&world, LIST(MANY), &watch, &err) < 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == (step < 5 ? 9 : 0));
        assert_int_equal(drop(&world, LIST(MANY), &err), 0); // the same again
        assert_string_equal(list(world.upper_fd).text, "d/ d/y z");
        assert_string_equal(list(world.outside_fd).text, untouched);
        world_done(&world);
    }
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_what_is_dropped),
        IN_DIR(test_what_is_refused),
        IN_DIR(test_limits),
        IN_DIR(test_deep_trees),
        IN_DIR(test_what_cannot_be_dropped),
        IN_DIR(test_what_is_said),
        IN_DIR(test_death_at_every_step),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
