// SPDX-License-Identifier: MIT
#include "host-tree.h"

#include <errno.h>
#include <grp.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include "host/drift.h"
#include "host/layers.h"

#define NOBODY 65534

static const struct instance_stack stack = {
    .config_generation = 4,
    .n_layers = 2,
    .layers = { { 7, 70 }, { 1, 10 } },
    .port = 27015,
};

#define UPPER  "data/runtime/alpha/upper/"
#define CONFIG "data/instances/alpha/4/tree/"
#define TOP    "data/overlays/7/70/"
#define GAME   "data/overlays/1/10/"

static struct layers *open_layers(const struct host_tree *tree)
{
    struct instance_name name = { "alpha" };
    struct layers       *layers = NULL;
    struct error         err = { 0 };

    assert_int_equal(layers_open(&layers, &tree->paths, &name, &stack, &err), 0);
    assert_int_equal(layers->n, 4);
    return layers;
}

// Whiteouts are device nodes, which only root can make.
static void whiteout(const struct host_tree *tree, const char *path)
{
    if (geteuid() != 0) {
        print_message("skipped: making a whiteout needs root\n");
        skip();
    }
    unit_write(tree->dir->fd, path, "");
    assert_return_code(unlinkat(tree->dir->fd, path, 0), errno);
    assert_return_code(mknodat(tree->dir->fd, path, S_IFCHR, makedev(0, 0)), errno);
}

// User attributes are missing on some file systems a test may run on.
static void opaque(const struct host_tree *tree, const char *path)
{
    AUTO_FD fd = openat(tree->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0) {
        print_message("skipped: this file system has no user attributes\n");
        skip();
    }
}

static void check_findings(const struct host_tree *tree, const char *path,
                           const struct layer_finding *want, size_t n_want)
{
    AUTO(layers_freep) struct layers *layers = open_layers(tree);
    struct layer_finding              findings[LAYERS_MAX];
    size_t                            n = layers_explain(findings, layers, path);

    assert_int_equal(n, n_want);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(findings[i].layer, want[i].layer);
        assert_int_equal(findings[i].role, want[i].role);
        assert_int_equal(findings[i].entry, want[i].entry);
    }
}

#define FINDINGS(tree, path, ...)                                                                  \
    do {                                                                                           \
        static const struct layer_finding want_[] = { __VA_ARGS__ };                               \
        check_findings(tree, path, want_, ELEMENTS(want_));                                        \
    } while (0)

static void test_layers(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, UPPER "left4dead2/logs/a.log", "log");
    unit_write(tree->dir->fd, CONFIG "left4dead2/cfg/server.cfg", "config");
    unit_write(tree->dir->fd, TOP "left4dead2/addons/a.vpk", "vpk");
    unit_write(tree->dir->fd, GAME "left4dead2/cfg/server.cfg", "game");
    unit_write(tree->dir->fd, GAME "left4dead2/addons", "a file in place of the directory");
    FINDINGS(tree, "left4dead2/cfg/server.cfg", { 1, LAYER_ROLE_SHOWN, LAYER_HAS_FILE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    FINDINGS(tree, "left4dead2/cfg", { 1, LAYER_ROLE_SHOWN, LAYER_HAS_DIR, 0 },
             { 3, LAYER_ROLE_MERGED, LAYER_HAS_DIR, 0 });
    FINDINGS(tree, "left4dead2/addons/a.vpk", { 2, LAYER_ROLE_SHOWN, LAYER_HAS_FILE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_OBSTACLE, 0 });
    check_findings(tree, "left4dead2/nothing", NULL, 0);
    check_findings(tree, "nothing/at/all", NULL, 0);
}

static void test_whiteouts_remove(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "x", "");
    unit_write(tree->dir->fd, GAME "left4dead2/a", "game");
    unit_write(tree->dir->fd, GAME "left4dead2/d/b", "game");
    unit_write(tree->dir->fd, TOP "left4dead2/d/b", "top");
    whiteout(tree, UPPER "left4dead2/a");
    whiteout(tree, UPPER "left4dead2/d");
    FINDINGS(tree, "left4dead2/a", { 0, LAYER_ROLE_REMOVES, LAYER_HAS_WHITEOUT, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    FINDINGS(tree, "left4dead2/d/b", { 0, LAYER_ROLE_REMOVES, LAYER_HAS_WHITEOUT, 0 },
             { 2, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
}

static void test_opaque_directories_hide(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "x", "");
    unit_write(tree->dir->fd, UPPER "d/own", "upper");
    unit_write(tree->dir->fd, TOP "d/a", "top");
    unit_write(tree->dir->fd, GAME "d/a", "game");
    unit_write(tree->dir->fd, GAME "d/own", "game");
    opaque(tree, UPPER "d");
    FINDINGS(tree, "d/a", { 0, LAYER_ROLE_REMOVES, LAYER_HAS_NOTHING, 0 },
             { 2, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    FINDINGS(tree, "d/own", { 0, LAYER_ROLE_SHOWN, LAYER_HAS_FILE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    FINDINGS(tree, "d", { 0, LAYER_ROLE_SHOWN, LAYER_HAS_DIR, 0 },
             { 2, LAYER_ROLE_SHADOWED, LAYER_HAS_DIR, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_DIR, 0 });
}

static void test_links_are_not_followed(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "x", "");
    unit_write(tree->dir->fd, UPPER "x", "");
    unit_write(tree->dir->fd, TOP "x", "");
    unit_write(tree->dir->fd, GAME "etc/passwd", "game");
    assert_return_code(symlinkat("/etc", tree->dir->fd, UPPER "etc"), errno);
    FINDINGS(tree, "etc/passwd", { 0, LAYER_ROLE_REMOVES, LAYER_HAS_OBSTACLE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    FINDINGS(tree, "etc", { 0, LAYER_ROLE_SHOWN, LAYER_HAS_LINK, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_DIR, 0 });
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bool        is_fine;
    } cases[] = {
        { "a", true },     { "a/b.c/d", true }, { "...", true }, { ".a", true },
        { "..a/b", true }, { "", false },       { "/a", false }, { "a//b", false },
        { "a/", false },   { ".", false },      { "..", false }, { "a/..", false },
        { "../a", false }, { "a/./b", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        assert_int_equal(layers_check_path(cases[i].path, &err), cases[i].is_fine ? 0 : -1);
    }
    char         longest[LAYERS_PATH_MAX + 1];
    struct error err = { 0 };
    memset(longest, 'a', sizeof longest);
    longest[300] = '\0'; // one component of 300 bytes
    assert_int_equal(layers_check_path(longest, &err), -1);
}

// ---- drift -------------------------------------------------------------------------------------

static void check_drift(const struct host_tree *tree, const struct drift_entry *want, size_t n_want)
{
    AUTO(layers_freep) struct layers *layers = open_layers(tree);
    AUTO(drift_freep) struct drift   *drift = NULL;
    struct error                      err = { 0 };

    assert_int_equal(drift_read(&drift, layers, &err), 0);
    assert_int_equal(drift->n, n_want);
    assert_false(drift->is_cut);
    for (size_t i = 0; i < n_want; i++) {
        assert_string_equal(drift->entries[i].path, want[i].path);
        assert_int_equal(drift->entries[i].change, want[i].change);
        assert_int_equal(drift->entries[i].entry, want[i].entry);
        assert_int_equal(drift->entries[i].size, want[i].size);
        assert_int_equal(drift->entries[i].size_before, want[i].size_before);
    }
}

#define DRIFT(tree, ...)                                                                           \
    do {                                                                                           \
        static const struct drift_entry want_[] = { __VA_ARGS__ };                                 \
        check_drift(tree, want_, ELEMENTS(want_));                                                 \
    } while (0)

static void make_stack(struct host_tree *tree)
{
    unit_write(tree->dir->fd, CONFIG "left4dead2/cfg/server.cfg", "config");
    unit_write(tree->dir->fd, TOP "left4dead2/addons/a.vpk", "vpk");
    unit_write(tree->dir->fd, GAME "left4dead2/motd.txt", "hello");
    unit_write(tree->dir->fd, GAME "left4dead2/maps/a.bsp", "bsp");
    unit_write(tree->dir->fd, UPPER "left4dead2/logs/l1.log", "one line");
    unit_write(tree->dir->fd, UPPER "left4dead2/motd.txt", "hello world");
    unit_write(tree->dir->fd, UPPER "left4dead2/cfg/banned_user.cfg", "");
}

static void test_added_and_changed(void **state)
{
    struct host_tree *tree = *state;

    make_stack(tree);
    assert_return_code(symlinkat("/etc/passwd", tree->dir->fd, UPPER "link"), errno);
    assert_return_code(mkfifoat(tree->dir->fd, UPPER "fifo", 0600), errno);
    DRIFT(tree, { DRIFT_ADDED, LAYER_HAS_SPECIAL, 0, 0, "fifo", 0 },
          { DRIFT_ADDED, LAYER_HAS_FILE, 0, 0, "left4dead2/cfg/banned_user.cfg", 0 },
          { DRIFT_ADDED, LAYER_HAS_DIR, 0, 0, "left4dead2/logs", 0 },
          { DRIFT_ADDED, LAYER_HAS_FILE, 8, 0, "left4dead2/logs/l1.log", 0 },
          { DRIFT_CHANGED, LAYER_HAS_FILE, 11, 5, "left4dead2/motd.txt", 0 },
          { DRIFT_ADDED, LAYER_HAS_LINK, 11, 0, "link", 0 });
}

static void test_removed_and_replaced(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "x", "");
    unit_write(tree->dir->fd, TOP "addons/a.vpk", "vpk");
    unit_write(tree->dir->fd, GAME "motd.txt", "hello");
    unit_write(tree->dir->fd, GAME "maps/a.bsp", "bsp");
    unit_write(tree->dir->fd, GAME "maps/b.bsp", "bsp2");
    whiteout(tree, UPPER "motd.txt");
    whiteout(tree, UPPER "addons");
    whiteout(tree, UPPER "never-was");
    unit_write(tree->dir->fd, UPPER "maps/b.bsp", "new");
    opaque(tree, UPPER "maps");
    DRIFT(tree, { DRIFT_REMOVED, LAYER_HAS_DIR, 0, 0, "addons", 0 },
          { DRIFT_REPLACED, LAYER_HAS_DIR, 0, 0, "maps", 0 },
          { DRIFT_CHANGED, LAYER_HAS_FILE, 3, 4, "maps/b.bsp", 0 },
          { DRIFT_REMOVED, LAYER_HAS_FILE, 0, 5, "motd.txt", 0 });
}

static void test_an_endless_tree_is_cut(void **state)
{
    struct host_tree                 *tree = *state;
    AUTO(layers_freep) struct layers *layers = NULL;
    AUTO(drift_freep) struct drift   *drift = NULL;
    struct error                      err = { 0 };
    int                               fd;

    make_stack(tree);
    fd = openat(tree->dir->fd, UPPER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < 200; i++) { // deeper than any path may be long
        char name[100];
        memset(name, 'd', sizeof name);
        name[99] = '\0';
        assert_return_code(mkdirat(fd, name, 0755), errno);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(fd);
        fd = next;
    }
    close(fd);
    layers = open_layers(tree);
    assert_int_equal(drift_read(&drift, layers, &err), 0);
    assert_true(drift->is_cut);
    assert_in_range(drift->n, DRIFT_DEPTH_MAX / 2, DRIFT_DEPTH_MAX + 8);
}

// Nothing is closed to root, so who runs the tests as root looks as somebody else. A process that
// is to end by itself asserts nothing: cmocka would go on with the other tests in it.
static bool tells_closed(const struct host_tree *tree)
{
    AUTO(layers_freep) struct layers *layers = NULL;
    AUTO(drift_freep) struct drift   *drift = NULL;
    struct instance_name              name = { "alpha" };
    struct error                      err = { 0 };

    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                           setresuid(NOBODY, NOBODY, NOBODY) < 0))
        return false;
    return layers_open(&layers, &tree->paths, &name, &stack, &err) == 0 &&
           drift_read(&drift, layers, &err) == 0 && drift->n == 1 && !drift->is_cut &&
           drift->entries[0].change == DRIFT_UNREADABLE &&
           drift->entries[0].entry == LAYER_HAS_DIR &&
           strcmp(drift->entries[0].path, "closed") == 0;
}

static void test_a_closed_directory_is_told(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "x", "");
    unit_write(tree->dir->fd, UPPER "closed/x", "");
    assert_return_code(fchmodat(tree->dir->fd, UPPER "closed", 0000, 0), errno);
    assert_return_code(fchmod(tree->dir->fd, 0755), errno); // on the way there
    int   status = 0;
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0)
        _exit(tells_closed(tree) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_a_layer_that_cannot_be_read_may_hold_anything(void **state)
{
    struct host_tree *tree = *state;

    unit_write(tree->dir->fd, CONFIG "known", "");
    unit_write(tree->dir->fd, GAME "d/a", "game"); // the layer above it is missing
    unit_write(tree->dir->fd, UPPER "d/a", "upper");
    unit_write(tree->dir->fd, UPPER "known", "");
    FINDINGS(tree, "x", { 2, LAYER_ROLE_UNKNOWN, LAYER_IS_UNREADABLE, 0 });
    FINDINGS(tree, "d/a", { 0, LAYER_ROLE_SHOWN, LAYER_HAS_FILE, 0 },
             { 2, LAYER_ROLE_UNKNOWN, LAYER_IS_UNREADABLE, 0 },
             { 3, LAYER_ROLE_SHADOWED, LAYER_HAS_FILE, 0 });
    DRIFT(tree, { DRIFT_UNKNOWN, LAYER_HAS_DIR, 0, 0, "d", 0 },
          { DRIFT_UNKNOWN, LAYER_HAS_FILE, 5, 0, "d/a", 0 },
          { DRIFT_CHANGED, LAYER_HAS_FILE, 0, 0, "known", 0 });
    assert_return_code(unlinkat(tree->dir->fd, UPPER "d/a", 0), errno);
    FINDINGS(tree, "d/a", { 2, LAYER_ROLE_UNKNOWN, LAYER_IS_UNREADABLE, 0 },
             { 3, LAYER_ROLE_UNKNOWN, LAYER_HAS_FILE, 0 });
}

static void test_without_an_upper_there_is_a_reason(void **state)
{
    struct host_tree                 *tree = *state;
    AUTO(layers_freep) struct layers *layers = open_layers(tree);
    struct drift                     *drift = NULL;
    struct error                      err = { 0 };

    assert_int_equal(drift_read(&drift, layers, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_null(drift);
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_TREE(test_layers),
        ON_A_TREE(test_whiteouts_remove),
        ON_A_TREE(test_opaque_directories_hide),
        ON_A_TREE(test_links_are_not_followed),
        cmocka_unit_test(test_paths),
        ON_A_TREE(test_added_and_changed),
        ON_A_TREE(test_removed_and_replaced),
        ON_A_TREE(test_an_endless_tree_is_cut),
        ON_A_TREE(test_a_closed_directory_is_told),
        ON_A_TREE(test_a_layer_that_cannot_be_read_may_hold_anything),
        ON_A_TREE(test_without_an_upper_there_is_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
