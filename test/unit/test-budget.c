// SPDX-License-Identifier: MIT

// How much a build may write.

#include "host-tree.h"

#include <errno.h>
#include <sys/statvfs.h>
#include "host/budget.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

// ---- what there is ------------------------------------------------------------------------------

static struct generation a_generation(uint32_t number, uint64_t bytes, uint64_t bytes_changed)
{
    return (struct generation){
        .number = number, .build = number, .bytes = bytes, .bytes_changed = bytes_changed
    };
}

// Generations 1 to n of which each is `bytes` large, `bytes_changed` of it new.
static void put_overlay(struct host_tree *tree, uint32_t overlay, uint32_t n, uint64_t bytes,
                        uint64_t bytes_changed)
{
    AUTO(freep) struct state *state = calloc(1, sizeof *state);
    struct error              err = { 0 };
    char                      path[64];

    snprintf(path, sizeof path, "data/overlays/%u", overlay);
    assert_return_code(mkdirat(tree->dir->fd, path, 0755), errno);
    AUTO_FD fd = openat(tree->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fd, errno);
    strcpy(state->type, "script");
    for (uint32_t number = 1; number <= n; number++) {
        struct generation generation = a_generation(number, bytes, bytes_changed);
        state_insert(state, &generation);
    }
    state->current = n;
    assert_int_equal(state_write(state, fd, &err), 0);
}

static void put_build(struct host_tree *tree, uint32_t number, enum build_kind kind,
                      uint32_t overlay, uint32_t base, uint64_t output_max_bytes)
{
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, number,          kind, overlay, base,
                               number,         3,           output_max_bytes };
    char              path[64];

    snprintf(path, sizeof path, "host/builds/%u", number);
    AUTO_FD fd = openat(tree->dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_return_code(fd, errno);
    assert_int_equal(write(fd, &spec, sizeof spec), sizeof spec);
}

static struct budget read_budget(struct host_tree *tree, uint32_t overlay, uint64_t limit_bytes)
{
    struct budget budget = { 0 };
    struct error  err = { 0 };

    if (budget_read(&budget, &tree->paths, overlay, limit_bytes, &err) < 0)
        fail_msg("%s", err.message);
    return budget;
}

static void test_what_an_overlay_takes(void **state)
{
    static const struct {
        uint32_t n;
        uint64_t bytes[3], changed[3]; // newest first
        uint64_t want;
    } cases[] = {
        { 0, { 0 }, { 0 }, 0 },
        { 1, { 10 }, { 7 }, 10 }, // what lay below it is gone: it has it all by itself
        { 2, { 12, 10 }, { 3, 10 }, 13 },
        { 3, { 12, 11, 10 }, { 0, 1, 10 }, 11 },
        { 3, { 5, 5, 5 }, { 5, 5, 5 }, 15 }, // each from nothing
        { 3, { INT64_MAX, INT64_MAX, INT64_MAX }, { INT64_MAX, INT64_MAX, 0 }, UINT64_MAX },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep) struct state *overlay = calloc(1, sizeof *overlay);
        for (uint32_t j = 0; j < cases[i].n; j++) {
            struct generation generation =
                a_generation(cases[i].n - j, cases[i].bytes[j], cases[i].changed[j]);
            state_insert(overlay, &generation);
        }
        assert_int_equal(budget_of_overlay(overlay), cases[i].want);
    }
}

static void test_all_overlays_together(void **state)
{
    struct host_tree *tree = *state;
    int               fd = tree->dir->fd;

    assert_int_equal(read_budget(tree, 0, 7).used_bytes, 0);
    put_overlay(tree, 1, 2, 100, 10);
    put_overlay(tree, 9, 1, 1000, 1000);
    struct budget budget = read_budget(tree, 0, 7);
    assert_int_equal(budget.used_bytes, 1110);
    assert_int_equal(budget.granted_bytes, 0);
    assert_int_equal(budget.limit_bytes, 7);

    // What is damaged or no overlay is passed over: it cannot be built either.
    unit_write(fd, "data/overlays/10/state.json", "damaged");
    unit_write(fd, "data/overlays/notes/state.json", "damaged");
    unit_write(fd, "data/overlays/11/1/file", "not published yet");
    unit_write(fd, "data/overlays/12", "a file");
    assert_int_equal(read_budget(tree, 0, 7).used_bytes, 1110);
    for (uint32_t overlay = 20; overlay < 23; overlay++)
        put_overlay(tree, overlay, 1, INT64_MAX, 0);
    assert_int_equal(read_budget(tree, 0, 7).used_bytes, UINT64_MAX);
}

static void test_what_builds_may_still_write(void **state)
{
    static const struct {
        const char     *name;
        enum build_kind kind;
        uint32_t        overlay, base;
        uint64_t        output_max_bytes, want;
    } cases[] = {
        { "from nothing", BUILD_SCRIPT, 5, 0, 10 * MIB, 10 * MIB },
        { "over a generation", BUILD_SCRIPT, 5, 2, 10 * MIB, 7 * MIB },
        { "over one as large as it may get", BUILD_WORKSHOP, 5, 2, 3 * MIB, 0 },
        { "over one that is larger", BUILD_FILES, 5, 2, MIB, 0 },
        { "over one that is gone", BUILD_FILES, 5, 77, 10 * MIB, 10 * MIB },
        { "of an overlay that has none", BUILD_SCRIPT, 6, 0, 10 * MIB, 10 * MIB },
        { "as much as there may be", BUILD_SCRIPT, 6, 0, OUTPUT_MAX_MAX, OUTPUT_MAX_MAX },
        { "of an overlay that is damaged", BUILD_SCRIPT, 7, 0, 10 * MIB, 0 },
        { "SteamCMD", BUILD_UPDATE, 1, 0, 10 * MIB, 0 },
        { "a choice", BUILD_SELECT, 5, 2, 10 * MIB, 0 },
        { "a collection", BUILD_COLLECT, 5, 0, 10 * MIB, 0 },
    };
    struct host_tree *tree = *state;

    put_overlay(tree, 5, 2, 3 * MIB, 0);
    unit_write(tree->dir->fd, "data/overlays/7/state.json", "damaged");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        put_build(tree, 30, cases[i].kind, cases[i].overlay, cases[i].base,
                  cases[i].output_max_bytes);
        if (read_budget(tree, 0, 7).granted_bytes != cases[i].want)
            fail_msg("%s: %llu", cases[i].name,
                     (unsigned long long)read_budget(tree, 0, 7).granted_bytes);
        // The scratch goes when the same overlay is built again.
        assert_int_equal(read_budget(tree, cases[i].overlay, 7).granted_bytes, 0);
        assert_int_equal(read_budget(tree, 99, 7).granted_bytes, cases[i].want);
    }
    put_build(tree, 30, BUILD_SCRIPT, 6, 0, 2 * MIB);
    put_build(tree, 31, BUILD_FILES, 8, 0, 5 * MIB);
    assert_int_equal(read_budget(tree, 0, 7).granted_bytes, 7 * MIB);
    assert_int_equal(read_budget(tree, 8, 7).granted_bytes, 2 * MIB);
    unit_write(tree->dir->fd, "host/builds/32", "damaged");
    unit_write(tree->dir->fd, "host/builds/.33.tmp", "half");
    assert_int_equal(read_budget(tree, 0, 7).granted_bytes, 7 * MIB);

    // One that is published writes no more, whoever has forgotten to remove its scratch.
    put_overlay(tree, 8, 31, MIB, 0);
    assert_int_equal(read_budget(tree, 0, 7).granted_bytes, 2 * MIB);
}

static void test_the_disk_is_the_limit(void **state)
{
    struct host_tree *tree = *state;
    struct statvfs    disk;

    assert_return_code(statvfs(tree->dir->path, &disk), errno);
    uint64_t size = (uint64_t)disk.f_blocks * disk.f_frsize,
             limit = read_budget(tree, 0, 0).limit_bytes;
    assert_in_range(limit, size / 4 * 3 - 4, size / 4 * 3 + 4);
    tree->paths.data_dir = "/nonexistent";
    struct budget budget;
    struct error  err = { 0 };
    assert_int_equal(budget_read(&budget, &tree->paths, 0, 0, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

static void test_without_the_builds(void **state)
{
    struct host_tree *tree = *state;
    struct budget     budget;
    struct error      err = { 0 };

    assert_return_code(unlinkat(tree->dir->fd, "host/builds", AT_REMOVEDIR), errno);
    assert_int_equal(budget_read(&budget, &tree->paths, 0, 1, &err), -1);
    tree->paths.host_dir = "/nonexistent";
    assert_int_equal(budget_read(&budget, &tree->paths, 0, 1, &err), -1);
    assert_string_equal(err.message, "opening /nonexistent: No such file or directory");
}

// ---- what is granted ----------------------------------------------------------------------------

static void test_what_is_granted(void **state)
{
    static const struct {
        const char   *name;
        struct budget budget;
        uint64_t      base, max, want; // want 0: nothing
    } cases[] = {
        { "all that is asked for", { 10 * GIB, 0, 0 }, 0, 2 * GIB, 2 * GIB },
        { "what is left", { 10 * GIB, 9 * GIB, 0 }, 0, 2 * GIB, GIB },
        { "beside others", { 10 * GIB, 3 * GIB, 2 * GIB }, 0, 2 * GIB, 2 * GIB },
        { "beside others, half of what is left", { 10 * GIB, 7 * GIB, 2 * GIB }, 0, GIB, GIB / 2 },
        { "beside others, the last bit", { 10 * GIB, 9 * GIB, GIB - MIB }, 0, GIB, MIB },
        { "what is there already costs nothing",
          { 10 * GIB, 9 * GIB, 0 },
          3 * GIB,
          20 * GIB,
          4 * GIB },
        { "and is no reason to get more", { 10 * GIB, 9 * GIB, 0 }, 3 * GIB, 2 * GIB, 2 * GIB },
        { "the last bit", { 10 * GIB, 10 * GIB - MIB, 0 }, 0, GIB, MIB },
        { "less than that", { 10 * GIB, 10 * GIB - MIB + 1, 0 }, 0, GIB, 0 },
        { "less than that, of a large one", { 10 * GIB, 10 * GIB - 1, 0 }, 3 * GIB, 20 * GIB, 0 },
        { "nothing is left", { 10 * GIB, 10 * GIB, 0 }, 0, GIB, 0 },
        { "all of it granted to others", { 10 * GIB, 0, 10 * GIB }, 0, GIB, 0 },
        { "more than all", { 10 * GIB, 11 * GIB, 12 * GIB }, GIB, GIB, 0 },
        { "what cannot be counted", { 10 * GIB, UINT64_MAX, 1 }, 0, GIB, 0 },
        { "what cannot be counted, of both", { 10 * GIB, UINT64_MAX, UINT64_MAX }, 0, GIB, 0 },
        { "no limit", { UINT64_MAX, 0, 0 }, 0, OUTPUT_MAX_MAX, OUTPUT_MAX_MAX },
        { "no limit of either", { UINT64_MAX, 0, 0 }, INT64_MAX, UINT64_MAX, OUTPUT_MAX_MAX },
        { "no limit, and all of it used",
          { UINT64_MAX, UINT64_MAX - MIB, 0 },
          INT64_MAX,
          GIB,
          GIB },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct generation base = { .bytes = cases[i].base };
        struct error      err = { 0 };
        uint64_t          granted = 77;
        int r = budget_grant(&granted, &cases[i].budget, cases[i].base ? &base : NULL, cases[i].max,
                             &err);
        if (r != (cases[i].want ? 0 : -1) || granted != (cases[i].want ? cases[i].want : 77))
            fail_msg("%s: %d, %llu", cases[i].name, r, (unsigned long long)granted);
        if (r < 0) {
            const char *who = cases[i].budget.used_bytes < cases[i].budget.limit_bytes - MIB
                                  ? "builds that run"
                                  : "all overlays";
            assert_int_equal(err.kind, ERROR_NO_SPACE);
            assert_ptr_equal(strstr(err.message, who), err.message);
        }
        if (r == 0) // what the broker takes
            assert_in_range(granted, OUTPUT_MAX_MIN, OUTPUT_MAX_MAX);
    }
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_overlay_takes), ON_A_TREE(test_all_overlays_together),
        ON_A_TREE(test_what_builds_may_still_write),  ON_A_TREE(test_the_disk_is_the_limit),
        ON_A_TREE(test_without_the_builds),           cmocka_unit_test(test_what_is_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
