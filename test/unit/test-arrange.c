// SPDX-License-Identifier: MIT
#include "files-world.h"

// "m FROM TO" moves, "M" replaces; "r PATH" removes, "R" with all; "d PATH" makes a directory, "D"
// with its parents. The tree is a=1 d/ d/b=2 d/e/ d/e/f=3 z/ at first.
static const struct {
    const char     *what;
    enum error_kind error;
    const char     *want; // NULL: as before
} steps[] = {
    { "m a b", 0, "b=1 d/ d/b=2 d/e/ d/e/f=3 z/" },
    { "m a d/a", 0, "d/ d/a=1 d/b=2 d/e/ d/e/f=3 z/" },
    { "m a a", 0, NULL },
    { "m a d/b", ERROR_EXISTS, NULL },
    { "M a d/b", 0, "d/ d/b=1 d/e/ d/e/f=3 z/" },
    { "m d x", 0, "a=1 x/ x/b=2 x/e/ x/e/f=3 z/" },
    { "m d z", ERROR_EXISTS, NULL },
    { "M d z", 0, "a=1 z/ z/b=2 z/e/ z/e/f=3" },
    { "M z d", 0, "a=1 d/" },
    { "M a z", ERROR_EXISTS, NULL },
    { "M z a", ERROR_EXISTS, NULL },
    { "m d d/x", ERROR_INVALID, NULL },
    { "m d d/e/x", ERROR_INVALID, NULL },
    { "M d d/e", ERROR_INVALID, NULL },
    { "M d/e d", ERROR_INVALID, NULL },
    { "m nothing x", ERROR_NOT_FOUND, NULL },
    { "m a nothing/x", ERROR_NOT_FOUND, NULL },
    { "m a a/x", ERROR_INVALID, NULL },
    { "m a ../x", ERROR_INVALID, NULL },
    { "m ../x a", ERROR_INVALID, NULL },
    { "m a .left4me", ERROR_INVALID, NULL },
    { "r a", 0, "d/ d/b=2 d/e/ d/e/f=3 z/" },
    { "r z", 0, "a=1 d/ d/b=2 d/e/ d/e/f=3" },
    { "r d", ERROR_EXISTS, NULL },
    { "R d", 0, "a=1 z/" },
    { "R d/e", 0, "a=1 d/ d/b=2 z/" },
    { "r nothing", ERROR_NOT_FOUND, NULL },
    { "r a/b", ERROR_INVALID, NULL },
    { "R .", ERROR_INVALID, NULL },
    { "d z", 0, NULL },
    { "d a", ERROR_EXISTS, NULL },
    { "d z/y", 0, "a=1 d/ d/b=2 d/e/ d/e/f=3 z/ z/y/" },
    { "d x/y", ERROR_NOT_FOUND, NULL },
    { "D x/y/w", 0, "a=1 d/ d/b=2 d/e/ d/e/f=3 x/ x/y/ x/y/w/ z/" },
    { "D a/y", ERROR_INVALID, NULL },
};

static int step(struct space *space, const char *what, struct error *err)
{
    char verb = 0, from[64] = "", to[64] = "";

    assert_true(sscanf(what, "%c %63s %63s", &verb, from, to) >= 2);
    switch (verb) {
    case 'm':
    case 'M':
        return arrange_move(space, from, to, verb == 'M', err);
    case 'r':
    case 'R':
        return arrange_remove(space, from, verb == 'R', err);
    default:
        return arrange_mkdir(space, from, verb == 'D', err);
    }
}

static void test_steps(void **state)
{
    static const char first[] = "a=1 d/ d/b=2 d/e/ d/e/f=3 z/";
    struct unit_dir  *top = *state;

    for (size_t i = 0; i < ELEMENTS(steps); i++) {
        char         name[16];
        struct error err = { 0 };
        snprintf(name, sizeof name, "%zu", i);
        assert_return_code(mkdirat(top->fd, name, 0700), errno);
        struct unit_dir dir = { .fd = openat(top->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
        void           *here = &dir;
        struct files_world world = files_open(&here, NULL);
        files_put(&world, "a", "1");
        files_put(&world, "d/b", "2");
        files_put(&world, "d/e/f", "3");
        assert_int_equal(arrange_mkdir(world.space, "z", false, &err), 0);
        int         r = step(world.space, steps[i].what, &err);
        const char *shown = files_show(&world);
        if ((r < 0) != (steps[i].error != 0) || (r < 0 && err.kind != steps[i].error) ||
            strcmp(shown, steps[i].want ? steps[i].want : first) != 0)
            fail_msg("%s: %s; %s", steps[i].what, r < 0 ? err.message : "done", shown);
        assert_int_equal(files_staged(&world), 0);
        files_check_usage(&world);
        files_close(&world);
        close(dir.fd);
    }
}

static void test_links_and_odd_names_are_put_away(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct error       err = { 0 };

    files_put(&world, "d/a", "1");
    assert_return_code(symlinkat("/etc/passwd", world.space->tree_fd, "d/link"), errno);
    unit_write(world.space->tree_fd, "d/bad\nname", "x");
    // Links are moved and removed, not followed.
    assert_int_equal(arrange_move(world.space, "d/link", "l", false, &err), 0);
    assert_int_equal(arrange_remove(world.space, "l", true, &err), 0);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    // What may not be made can still be put away.
    assert_int_equal(arrange_move(world.space, "d/bad\nname", "good", false, &err), 0);
    files_close(&world);
}

static void test_depth_is_limited_when_moving(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct error       err = { 0 };

    files_put(&world, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "16");
    files_put(&world, "b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b/b", "18");
    assert_int_equal(arrange_move(world.space, "b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/x", false, &err),
                     -1);
    assert_non_null(strstr(err.message, "too deep"));
    assert_int_equal(arrange_move(world.space, "b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/x", false, &err),
                     0);
    files_check_usage(&world);
    files_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_steps),
        IN_DIR(test_links_and_odd_names_are_put_away),
        IN_DIR(test_depth_is_limited_when_moving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
