// SPDX-License-Identifier: MIT
#include "host-tree.h"

#include <errno.h>
#include "host/exposed.h"
#include "host/instances.h"
#include "host/overlays.h"
#include "host/plan.h"
#include "host/ports.h"
#include "host/stack.h"

static void test_the_last_overlay_is_on_top_and_the_game_below(void **state)
{
    struct host_tree                     *tree = *state;
    AUTO(instance_freep) struct instance *instance = instance_of("port: 27015\noverlays: [7, 3]\n");
    struct instance_stack                 stack;
    struct error                          err = { 0 };

    assert_int_equal(stack_plan(&stack, &tree->paths, instance, 5, &err), -1);
    assert_non_null(strstr(err.message, "overlay 3 has nothing published"));
    host_tree_overlay(tree, 7, 70);
    host_tree_overlay(tree, 3, 30);
    assert_int_equal(stack_plan(&stack, &tree->paths, instance, 5, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_string_equal(err.message, "the game is not installed: run 'l4d2ctl install'");
    host_tree_overlay(tree, 1, 10);
    assert_int_equal(stack_plan(&stack, &tree->paths, instance, 5, &err), 0);
    assert_int_equal(stack.n_layers, 3);
    assert_int_equal(stack.layers[0].overlay, 3);
    assert_int_equal(stack.layers[0].generation, 30);
    assert_int_equal(stack.layers[1].overlay, 7);
    assert_int_equal(stack.layers[2].overlay, 1);
    assert_int_equal(stack.layers[2].generation, 10);
    assert_int_equal(stack.config_generation, 5);
    assert_int_equal(instance_stack_check(&stack, &err), 0);
}

static void write_spec(int dir_fd, const char *path, const struct instance_spec *spec, size_t n)
{
    AUTO_FD fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_int_equal(write(fd, spec, n), n);
}

static void test_records_are_read_with_suspicion(void **state)
{
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    struct instance_spec spec = {
        .magic = PROTOCOL_MAGIC,
        .n_bytes = sizeof spec,
        .name = { "alpha" },
        .stack = { .config_generation = 1, .n_layers = 1, .layers = { { 1, 1 } }, .port = 27015 }
    };
    struct instance_spec read;
    struct error         err = { 0 };
    bool                 is_there = true, is_damaged = true;

    assert_int_equal(stack_read_mounted(&read, &is_there, &tree->paths, &name, &err), 0);
    assert_false(is_there);
    write_spec(tree->dir->fd, "mounted/alpha", &spec, sizeof spec);
    assert_int_equal(stack_read_mounted(&read, &is_there, &tree->paths, &name, &err), 0);
    assert_true(is_there);
    assert_true(stack_is_equal(&read.stack, &spec.stack));
    write_spec(tree->dir->fd, "mounted/alpha", &spec, sizeof spec - 1);
    assert_int_equal(stack_read_mounted(&read, &is_there, &tree->paths, &name, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_int_equal(stack_read_applied(&read, &is_there, &is_damaged, &tree->paths, &name, &err),
                     0);
    assert_false(is_there || is_damaged);
    static const size_t sizes[] = { sizeof spec - 1, sizeof spec + 1, sizeof spec };
    for (size_t row = 0; row < ELEMENTS(sizes); row++) {
        struct instance_spec two[2] = { spec, spec };
        if (row == 2)
            two[0].stack.n_layers = UINT32_MAX;
        write_spec(tree->dir->fd, "host/instances/alpha", two, sizes[row]);
        assert_int_equal(
            stack_read_applied(&read, &is_there, &is_damaged, &tree->paths, &name, &err), 0);
        assert_false(is_there);
        assert_true(is_damaged);
    }
}

static void test_differences_have_words(void **state)
{
    const struct instance_stack base = {
        .config_generation = 1, .n_layers = 2, .layers = { { 3, 1 }, { 1, 1 } }, .port = 27015
    };
    struct instance_stack             other = base;
    AUTO(strings_done) struct strings words = { 0 };
    const char                       *s = NULL;

    (void)state;
    stack_compare(&words, &base, &other);
    assert_int_equal(words.n, 0);
    other.layers[0].generation = 2;
    other.config_generation = 2;
    other.tv_port = 27020;
    other.limits.tasks = 100;
    stack_compare(&words, &base, &other);
    static const char *const want[] = { "overlay 3", "config", "ports", "limits" };
    for (size_t i = 0; i < ELEMENTS(want); i++) {
        s = strings_next(&words, s);
        assert_string_equal(s, want[i]);
    }
    strings_done(&words);
    other = base;
    other.layers[0].overlay = 4;
    stack_compare(&words, &base, &other);
    assert_int_equal(words.n, 1);
    assert_string_equal(strings_next(&words, NULL), "overlays");
}

static void test_a_plan_is_made_once(void **state)
{
    struct host_tree                     *tree = *state;
    AUTO(instance_freep) struct instance *instance = instance_of("port: 27015\n");
    AUTO(instance_freep) struct instance *changed = instance_of("port: 27015\nconfig: [a 1]\n");
    AUTO(strings_done) struct strings     words = { 0 };
    struct instance_name                  name = { "alpha" };
    struct instance_stack                 stack;
    struct error                          err = { 0 };
    bool                                  is_applied = true;
    AUTO_FD                               fd = -1;

    assert_return_code(mkdirat(tree->dir->fd, "data/instances/alpha", 0700), errno);
    assert_int_equal(instances_open(&fd, &tree->paths, &name, &err), 0);
    assert_int_equal(instances_save(fd, instance, &err), 0);
    const struct plan_server server = { &tree->paths, &name, instance, fd };
    const struct plan_server of_changed = { &tree->paths, &name, changed, fd };
    // No game: nothing is written.
    assert_int_equal(plan_make(&stack, &is_applied, &server, NULL, &err), -1);
    assert_int_equal(faccessat(fd, "1", F_OK, 0), -1);
    host_tree_overlay(tree, 1, 10);
    assert_int_equal(plan_make(&stack, &is_applied, &server, NULL, &err), 0);
    assert_false(is_applied);
    assert_int_equal(stack.config_generation, 1);

    struct instance_spec spec = {
        .magic = PROTOCOL_MAGIC, .n_bytes = sizeof spec, .name = name, .stack = stack
    };
    write_spec(tree->dir->fd, "host/instances/alpha", &spec, sizeof spec);
    assert_int_equal(plan_make(&stack, &is_applied, &server, NULL, &err), 0);
    assert_true(is_applied);
    assert_int_equal(plan_compare(&words, &server, &stack, &err), 0);
    assert_int_equal(words.n, 0);
    assert_int_equal(plan_compare(&words, &of_changed, &stack, &err), 0);
    assert_int_equal(words.n, 1);
    assert_string_equal(strings_next(&words, NULL), "config");
    assert_int_equal(faccessat(fd, "2", F_OK, 0), -1);
    // Nobody knows whether the unit has its limits: they are set anew.
    spec.is_unsettled = 1;
    write_spec(tree->dir->fd, "host/instances/alpha", &spec, sizeof spec);
    assert_int_equal(plan_make(&stack, &is_applied, &server, NULL, &err), 0);
    assert_false(is_applied);
    // What is damaged is written anew.
    write_spec(tree->dir->fd, "host/instances/alpha", &spec, sizeof spec - 1);
    assert_int_equal(plan_make(&stack, &is_applied, &server, NULL, &err), 0);
    assert_false(is_applied);
    assert_int_equal(stack.config_generation, 1);
}

static void write_base(struct host_tree *tree, const char *path, uint32_t generation)
{
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC,
                                  .n_bytes = sizeof spec,
                                  .name = { "alpha" },
                                  .stack = { .config_generation = generation,
                                             .n_layers = 1,
                                             .layers = { { 1, 1 } },
                                             .port = 27015 } };

    write_spec(tree->dir->fd, path, &spec, sizeof spec);
}

// What runs, however much was applied since; what was told and never started is neither.
static void test_what_a_start_is_compared_with(void **state)
{
    struct host_tree     *tree = *state;
    struct instance_name  name = { "alpha" };
    struct instance_stack base;
    struct error          err = { 0 };
    bool                  is_there = true;

    assert_int_equal(plan_base(&base, &is_there, &tree->paths, &name, &err), 0);
    assert_false(is_there);
    write_base(tree, "host/instances/alpha", 2);
    assert_int_equal(plan_base(&base, &is_there, &tree->paths, &name, &err), 0);
    assert_true(is_there && base.config_generation == 2);
    write_base(tree, "mounted/alpha", 1);
    assert_int_equal(plan_base(&base, &is_there, &tree->paths, &name, &err), 0);
    assert_true(is_there && base.config_generation == 1);
}

static void test_a_plan_takes_the_generations_that_are_named(void **state)
{
    static const struct {
        const char     *text;
        enum error_kind want;
    } rows[] = {
        { "1=4", ERROR_NOT_FOUND }, { "1=5", ERROR_NONE },     { "1=6", ERROR_NOT_FOUND },
        { "7=1", ERROR_NOT_FOUND }, { "1", ERROR_INVALID },    { "1=", ERROR_INVALID },
        { "=4", ERROR_INVALID },    { "x=4", ERROR_INVALID },  { "1=4=4", ERROR_INVALID },
        { "1=04", ERROR_INVALID },  { "1 =4", ERROR_INVALID },
    };
    struct host_tree                     *tree = *state;
    AUTO(instance_freep) struct instance *instance = instance_of("port: 27015\n");
    struct instance_name                  name = { "alpha" };
    struct error                          err = { 0 };
    AUTO_FD                               fd = -1;

    assert_return_code(mkdirat(tree->dir->fd, "data/instances/alpha", 0700), errno);
    assert_int_equal(instances_open(&fd, &tree->paths, &name, &err), 0);
    assert_int_equal(instances_save(fd, instance, &err), 0);
    host_tree_overlay(tree, 1, 5);
    const struct plan_server server = { &tree->paths, &name, instance, fd };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct plan_choice    choice = { 0 };
        struct instance_stack stack = { 0 };
        bool                  is_applied = false;
        int                   r = plan_choice_add(&choice, rows[i].text, &err);
        if (r == 0)
            r = plan_make(&stack, &is_applied, &server, &choice, &err);
        assert_int_equal(r, rows[i].want == ERROR_NONE ? 0 : -1);
        if (r < 0)
            assert_int_equal(err.kind, rows[i].want);
        else
            assert_int_equal(stack.layers[0].generation, choice.refs[0].generation);
    }
}

// A generation of overlay 3, from now on the current one; NULL: without a server.cfg.
static void publish(struct host_tree *tree, unsigned generation, const char *server_cfg)
{
    char path[96];

    host_tree_overlay(tree, 3, generation);
    snprintf(path, sizeof path, "data/overlays/3/%u/" EXPOSED_FILE, generation);
    if (server_cfg)
        unit_write(tree->dir->fd, path, server_cfg);
}

static void assert_plan(const struct plan_server *server, uint32_t config, const char *copy)
{
    AUTO(freep) char     *text = NULL;
    struct instance_stack stack;
    struct error          err = { 0 };
    bool                  is_applied = false;
    char                  path[96];

    assert_int_equal(plan_make(&stack, &is_applied, server, NULL, &err), 0);
    assert_int_equal(stack.config_generation, config);
    snprintf(path, sizeof path, "%u/tree/left4dead2/cfg/server_overlay_3.cfg", config);
    int r = fd_read_file(&text, NULL, server->instance_fd, path, 4096, &err);
    assert_int_equal(r, copy ? 0 : -1);
    if (copy)
        assert_string_equal(text, copy);
}

static void test_a_plan_has_the_server_cfg_of_its_generations(void **state)
{
    struct host_tree *tree = *state;
    AUTO(instance_freep)
    struct instance *instance = instance_of("port: 27015\noverlays: [3]\nserver_cfg_of: [3]\n");
    AUTO(strings_done) struct strings words = { 0 };
    struct instance_name              name = { "alpha" };
    struct instance_stack             stack;
    struct plan_choice                old = { 0 };
    struct error                      err = { 0 };
    bool                              is_applied = false;
    AUTO_FD                           fd = -1;

    assert_return_code(mkdirat(tree->dir->fd, "data/instances/alpha", 0700), errno);
    assert_int_equal(instances_open(&fd, &tree->paths, &name, &err), 0);
    assert_int_equal(instances_save(fd, instance, &err), 0);
    host_tree_overlay(tree, 1, 1);
    const struct plan_server server = { &tree->paths, &name, instance, fd };
    publish(tree, 1, "a 1\n");
    assert_plan(&server, 1, "a 1\n");
    publish(tree, 2, "a 1\n"); // another generation, the same file
    assert_plan(&server, 1, "a 1\n");
    publish(tree, 3, "a 2\n");
    assert_plan(&server, 2, "a 2\n");
    publish(tree, 4, NULL);
    assert_plan(&server, 3, NULL);

    publish(tree, 3, "a 2\n");
    assert_int_equal(plan_choice_add(&old, "3=3", &err), 0);
    assert_int_equal(plan_make(&stack, &is_applied, &server, &old, &err), 0);
    assert_int_equal(stack.config_generation, 4);
    publish(tree, 5, "a 3\n");
    assert_int_equal(plan_compare(&words, &server, &stack, &err), 0);
    assert_int_equal(words.n, 2);
    const char *first = strings_next(&words, NULL);
    assert_string_equal(first, "overlay 3");
    assert_string_equal(strings_next(&words, first), "config");
}

static void test_an_absent_overlay_has_no_generation(void **state)
{
    struct host_tree *tree = *state;
    struct error      err = { 0 };
    uint32_t          generation = 9;

    assert_int_equal(overlays_current(&generation, &tree->paths, 4, &err), 0);
    assert_int_equal(generation, 0);
    assert_return_code(mkdirat(tree->dir->fd, "data/overlays/4", 0755), errno); // nothing in it yet
    assert_int_equal(overlays_current(&generation, &tree->paths, 4, &err), 0);
    assert_int_equal(generation, 0);
    host_tree_overlay(tree, 4, 8);
    assert_int_equal(overlays_current(&generation, &tree->paths, 4, &err), 0);
    assert_int_equal(generation, 8);
    unit_write(tree->dir->fd, "data/overlays/4/state.json", "{");
    assert_int_equal(overlays_current(&generation, &tree->paths, 4, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_non_null(strstr(err.message, "overlay 4: 'state.json' is damaged"));
}

#define REST "00000000:00000000 00:00000000 00000000     0        0 1 2\n"

static void test_a_port_in_use_is_named(void **state)
{
    struct host_tree                     *tree = *state;
    AUTO(instance_freep) struct instance *instance = instance_of("port: 27015\n");
    struct error                          err = { 0 };

    assert_int_equal(ports_check_free(&tree->paths, instance, &err), 0);
    unit_write(tree->dir->fd, "net/tcp", "h\n 0: 00000000:7D0F 00000000:0000 0A " REST);
    assert_int_equal(ports_check_free(&tree->paths, instance, &err), 0); // SourceTV is UDP alone
    unit_write(tree->dir->fd, "net/udp6", "h\n 0: 00:7D0F 00:0000 07 " REST);
    assert_int_equal(ports_check_free(&tree->paths, instance, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_non_null(strstr(err.message, "tv_port 32015 (UDP) is in use"));
    unit_write(tree->dir->fd, "net/tcp", "h\n 0: 00000000:6987 00000000:0000 0A " REST);
    unit_write(tree->dir->fd, "net/udp6", "h\n");
    assert_int_equal(ports_check_free(&tree->paths, instance, &err), -1);
    assert_non_null(strstr(err.message, "port 27015 (TCP) is in use"));
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_TREE(test_the_last_overlay_is_on_top_and_the_game_below),
        ON_A_TREE(test_records_are_read_with_suspicion),
        cmocka_unit_test(test_differences_have_words),
        ON_A_TREE(test_a_plan_is_made_once),
        ON_A_TREE(test_what_a_start_is_compared_with),
        ON_A_TREE(test_a_plan_takes_the_generations_that_are_named),
        ON_A_TREE(test_a_plan_has_the_server_cfg_of_its_generations),
        ON_A_TREE(test_an_absent_overlay_has_no_generation),
        ON_A_TREE(test_a_port_in_use_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
