// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "base/protocol.h"
#include "content/uses.h"

static void write_spec(const struct unit_dir *dir, const char *path, const void *bytes, size_t n)
{
    AUTO_FD fd = openat(dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
}

static void make_dirs(const struct unit_dir *dir)
{
    static const char *const dirs[] = { "host", "host/instances", "host/builds", "mounted" };

    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        assert_return_code(mkdirat(dir->fd, dirs[i], 0755), errno);
}

// An instance on up to two layers, applied or mounted.
static void make_instance(const struct unit_dir *dir, const char *where, const char *name,
                          struct layer_ref top, struct layer_ref bottom)
{
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC, .n_bytes = sizeof spec };
    struct error         err = { 0 };
    char                 path[128];

    assert_int_equal(instance_name_set(&spec.name, name, &err), 0);
    spec.stack = (struct instance_stack){ .config_generation = 1, .port = 27015 };
    if (top.overlay)
        spec.stack.layers[spec.stack.n_layers++] = top;
    spec.stack.layers[spec.stack.n_layers++] = bottom;
    snprintf(path, sizeof path, "%s/%s", where, name);
    write_spec(dir, path, &spec, sizeof spec);
}

static void make_build(const struct unit_dir *dir, uint32_t build, uint32_t overlay, uint32_t base)
{
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, build, BUILD_UPDATE,      overlay,
                               base,           build,       1,     OUTPUT_MAX_DEFAULT };
    char              path[64];

    snprintf(path, sizeof path, "host/builds/%u", build);
    write_spec(dir, path, &spec, sizeof spec);
}

// What is in use of overlay 1, as build 9 sees it.
static int ask(const struct unit_dir *dir, struct uses *ret, struct error *err)
{
    AUTO_FD host_fd = openat(dir->fd, "host", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char    mounted[96];

    assert_return_code(host_fd, errno);
    snprintf(mounted, sizeof mounted, "%s/mounted", dir->path);
    struct uses_query query = { host_fd, mounted, 1, 9 };
    return uses_collect(ret, &query, err);
}

static void must_know(const struct unit_dir *dir, const uint32_t *want, size_t n_want)
{
    AUTO(uses_done) struct uses uses = { 0 };
    struct error                err = { 0 };

    if (ask(dir, &uses, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(uses.n, n_want);
    for (size_t i = 0; i < n_want; i++)
        assert_true(uses_has(&uses, want[i]));
    assert_false(uses_has(&uses, 0));
    assert_false(uses_has(&uses, 4711));
}

static void test_nobody_uses_anything(void **state)
{
    make_dirs(*state);
    must_know(*state, NULL, 0);
}

static void test_who_uses_what(void **state)
{
    struct unit_dir      *dir = *state;
    static const uint32_t want[] = { 2, 3, 5, 6, 8 };

    make_dirs(dir);
    make_instance(dir, "host/instances", "a", (struct layer_ref){ 0 }, (struct layer_ref){ 1, 2 });
    make_instance(dir, "mounted", "a", (struct layer_ref){ 0 }, (struct layer_ref){ 1, 3 });
    make_instance(dir, "host/instances", "b", (struct layer_ref){ 7, 4 },
                  (struct layer_ref){ 1, 5 });
    make_instance(dir, "host/instances", "c", (struct layer_ref){ 1, 5 },
                  (struct layer_ref){ 8, 1 });
    make_instance(dir, "mounted", "d", (struct layer_ref){ 1, 6 }, (struct layer_ref){ 2, 7 });
    make_build(dir, 9, 1, 7);  // it is the one that asks
    make_build(dir, 10, 1, 8); // another
    make_build(dir, 11, 2, 1); // of another overlay
    make_build(dir, 12, 1, 0); // from nothing
    must_know(dir, want, ELEMENTS(want));
}

static void test_many(void **state)
{
    struct unit_dir *dir = *state;
    uint32_t         want[200];
    char             name[16];

    make_dirs(dir);
    for (uint32_t i = 0; i < ELEMENTS(want); i++) {
        want[i] = 1000 + i;
        snprintf(name, sizeof name, "s%u", i);
        make_instance(dir, "host/instances", name, (struct layer_ref){ 0 },
                      (struct layer_ref){ 1, want[i] });
        make_instance(dir, "mounted", name, (struct layer_ref){ 0 }, (struct layer_ref){ 1, 1000 });
    }
    must_know(dir, want, ELEMENTS(want));
}

static void test_files_being_written_do_not_count(void **state)
{
    struct unit_dir *dir = *state;

    make_dirs(dir);
    unit_write(dir->fd, "host/instances/.a.tmp", "half");
    unit_write(dir->fd, "host/builds/.3.tmp", "");
    unit_write(dir->fd, "mounted/.a.tmp", "half");
    must_know(dir, NULL, 0);
}

// What cannot be understood may be somebody who needs a generation.
static void test_one_doubt_spoils_the_answer(void **state)
{
    static const struct {
        const char *path, *bytes, *want;
    } cases[] = {
        { "host/instances/a", "", "the instances: the spec of 'a' was written by another version" },
        { "host/instances/B", "", "the instances: 'B' is not an instance name" },
        { "host/instances/d/x", "", "the instances: 'd' is not a regular file" },
        { "mounted/a", "garbage", "what is mounted: the spec of 'a' was written" },
        { "host/builds/3", "garbage", "the builds: the spec of build 3 was written" },
        { "host/builds/x", "", "the builds: " },
    };
    struct unit_dir *dir = *state;

    make_dirs(dir);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct uses  uses = { 0 };
        struct error err = { 0 };
        unit_write(dir->fd, cases[i].path, cases[i].bytes);
        assert_int_equal(ask(dir, &uses, &err), -1);
        assert_null(uses.numbers); // written only on success
        if (strncmp(err.message, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("%s: %s", cases[i].path, err.message);
        assert_return_code(unlinkat(dir->fd, cases[i].path, 0), errno);
        (void)unlinkat(dir->fd, "host/instances/d", AT_REMOVEDIR); // of one row alone
    }
    must_know(dir, NULL, 0);
}

// A spec that says of itself that it is another's is nobody's word.
static void test_a_borrowed_spec_spoils_the_answer(void **state)
{
    struct unit_dir *dir = *state;
    struct uses      uses = { 0 };
    struct error     err = { 0 };

    make_dirs(dir);
    make_instance(dir, "mounted", "a", (struct layer_ref){ 0 }, (struct layer_ref){ 1, 3 });
    assert_return_code(renameat(dir->fd, "mounted/a", dir->fd, "mounted/b"), errno);
    assert_int_equal(ask(dir, &uses, &err), -1);
    assert_non_null(strstr(err.message, "carries another name"));
    assert_return_code(unlinkat(dir->fd, "mounted/b", 0), errno);
    make_build(dir, 3, 1, 1);
    assert_return_code(renameat(dir->fd, "host/builds/3", dir->fd, "host/builds/4"), errno);
    assert_int_equal(ask(dir, &uses, &err), -1);
    assert_non_null(strstr(err.message, "carries the number 3"));
}

static void test_a_directory_less_spoils_the_answer(void **state)
{
    static const char *const dirs[] = { "host/instances", "host/builds", "mounted" };
    struct unit_dir         *dir = *state;

    make_dirs(dir);
    for (size_t i = 0; i < ELEMENTS(dirs); i++) {
        struct uses  uses = { 0 };
        struct error err = { 0 };
        assert_return_code(unlinkat(dir->fd, dirs[i], AT_REMOVEDIR), errno);
        assert_int_equal(ask(dir, &uses, &err), -1);
        assert_return_code(mkdirat(dir->fd, dirs[i], 0755), errno);
    }
    must_know(dir, NULL, 0);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_nobody_uses_anything),
        IN_DIR(test_who_uses_what),
        IN_DIR(test_many),
        IN_DIR(test_files_being_written_do_not_count),
        IN_DIR(test_one_doubt_spoils_the_answer),
        IN_DIR(test_a_borrowed_spec_spoils_the_answer),
        IN_DIR(test_a_directory_less_spoils_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
