// SPDX-License-Identifier: MIT
#include "host-tree.h"

#include <errno.h>
#include "host/config.h"
#include "host/instances.h"

#define SECRET "abcdefgh12345678"

static struct instance *parse(const char *text)
{
    struct instance *instance = NULL;
    struct error     err = { 0 };

    if (instance_parse(&instance, "f", text, strlen(text), &err) < 0)
        fail_msg("%s", err.message);
    return instance;
}

static void render(struct config *ret, const char *text)
{
    AUTO(instance_freep) struct instance *instance = parse(text);
    struct error                          err = { 0 };

    assert_int_equal(config_render(ret, instance, "alpha", SECRET, &err), 0);
}

static void test_arguments(void **state)
{
    static const char want[] = "27015\0-game\0left4dead2\0-console\0-strictportbind\0-ip\0"
                               "0.0.0.0\0-port\0"
                               "27015\0+hostport\0"
                               "27015\0+clientport\0"
                               "22015\0+tv_port\0"
                               "32015\0+map\0c1m1_hotel";
    static const char want_map[] = "-tickrate\0"
                                   "60\0+MAP\0c2m1_highway";
    AUTO(config_done) struct config config = { 0 }, with_map = { 0 };

    (void)state;
    render(&config, "port: 27015\n");
    assert_int_equal(config.args.n, sizeof want);
    assert_memory_equal(config.args.bytes, want, sizeof want);
    render(&with_map, "port: 27015\narguments: [-tickrate, 60, +MAP, c2m1_highway]\n");
    assert_memory_equal(with_map.args.bytes + with_map.args.n - sizeof want_map, want_map,
                        sizeof want_map);
}

static void test_what_nobody_may_override_comes_last(void **state)
{
    static const char tail[] = "sv_cheats 1\n// What follows is not to be overridden.\n"
                               "hostname \"alpha\"\nrcon_password \"" SECRET "\"\n"
                               "log on\nsv_logecho 1\n";
    AUTO(config_done) struct config config = { 0 }, named = { 0 };

    (void)state;
    render(&config, "port: 27015\nconfig: [mp_x 1, sv_cheats 1]\n");
    assert_string_equal(config.server_cfg.bytes + config.server_cfg.n - strlen(tail), tail);
    render(&named, "port: 27015\nhostname: My server\n");
    assert_non_null(strstr(named.server_cfg.bytes, "\nhostname \"My server\"\n"));
}

static void test_generations_are_numbered_and_used_again(void **state)
{
    struct host_tree               *tree = *state;
    AUTO(config_done) struct config a = { 0 }, b = { 0 };
    struct error                    err = { 0 };
    uint32_t                        generation = 0;
    struct stat                     st;

    render(&a, "port: 27015\n");
    render(&b, "port: 27016\n");
    assert_int_equal(config_newest(&generation, tree->dir->fd, &err), 0);
    assert_int_equal(generation, 0);
    assert_int_equal(config_store(&generation, tree->dir->fd, &a, &err), 0);
    assert_int_equal(generation, 1);
    assert_int_equal(config_store(&generation, tree->dir->fd, &a, &err), 0);
    assert_int_equal(generation, 1);
    assert_int_equal(config_store(&generation, tree->dir->fd, &b, &err), 0);
    assert_int_equal(generation, 2);
    assert_int_equal(config_store(&generation, tree->dir->fd, &a, &err), 0);
    assert_int_equal(generation, 3);
    assert_true(config_is_same(tree->dir->fd, 1, &a));
    assert_false(config_is_same(tree->dir->fd, 2, &a));
    assert_false(config_is_same(tree->dir->fd, 9, &a));
    assert_return_code(fstatat(tree->dir->fd, "3/" CONFIG_SERVER_FILE, &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_return_code(fstatat(tree->dir->fd, "3/tree/left4dead2", &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_return_code(fstatat(tree->dir->fd, "3", &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_an_interrupted_write_is_swept_up(void **state)
{
    struct host_tree               *tree = *state;
    AUTO(config_done) struct config a = { 0 };
    struct error                    err = { 0 };
    uint32_t                        generation = 0;

    render(&a, "port: 27015\n");
    unit_write(tree->dir->fd, ".new-1/tree/left4dead2/cfg/server.cfg", "half");
    unit_write(tree->dir->fd, ".new-7/args", "half");
    assert_int_equal(config_store(&generation, tree->dir->fd, &a, &err), 0);
    assert_int_equal(generation, 1);
    assert_true(config_is_same(tree->dir->fd, 1, &a));
    assert_int_equal(config_collect(tree->dir->fd, NULL, 0, &err), 0);
    assert_int_equal(faccessat(tree->dir->fd, ".new-7", F_OK, 0), -1);
    assert_return_code(faccessat(tree->dir->fd, "1", F_OK, 0), errno);
}

static void test_what_is_used_and_the_newest_stay(void **state)
{
    static const struct {
        const char *name;
        bool        stays;
    } rows[] = { { "1", false }, { "2", true },  { "3", false }, { "4", true },
                 { "10", true }, { "11", true }, { "12", true }, { "spec.yaml", true } };
    struct host_tree *tree = *state;
    const uint32_t    used[] = { 2, 4, 0 };
    struct error      err = { 0 };

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        char path[64];
        snprintf(path, sizeof path, "%s%s", rows[i].name, *rows[i].name == 's' ? "" : "/args");
        unit_write(tree->dir->fd, path, "x");
    }
    assert_int_equal(config_collect(tree->dir->fd, used, ELEMENTS(used), &err), 0);
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        assert_int_equal(faccessat(tree->dir->fd, rows[i].name, F_OK, 0) == 0, rows[i].stays);
}

static void test_instances_keep_their_secret(void **state)
{
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    struct error         err = { 0 };
    char                 first[INSTANCE_PASSWORD_MAX + 1], again[INSTANCE_PASSWORD_MAX + 1];
    AUTO(instance_freep) struct instance *instance = parse("port: 27015\n");
    AUTO(instance_freep)
    struct instance *given = parse("port: 27015\nrcon_password: given-by-hand\n");
    AUTO(instance_freep) struct instance *loaded = NULL;
    AUTO_FD                               fd = -1;
    struct stat                           st;

    assert_return_code(mkdirat(tree->dir->fd, "data/instances/alpha", 0700), errno);
    assert_int_equal(instances_load(&loaded, &tree->paths, &name, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(instances_open(&fd, &tree->paths, &name, &err), 0);
    assert_int_equal(instances_save(fd, instance, &err), 0);
    assert_int_equal(instances_load_password(first, fd, "alpha", &err), 0);
    assert_int_equal(strlen(first), 24);
    assert_int_equal(instances_save(fd, instance, &err), 0);
    assert_int_equal(instances_load_password(again, fd, "alpha", &err), 0);
    assert_string_equal(first, again);
    assert_int_equal(instances_save(fd, given, &err), 0);
    assert_int_equal(instances_load_password(again, fd, "alpha", &err), 0);
    assert_string_equal(again, "given-by-hand");
    assert_return_code(fstatat(fd, INSTANCE_PASSWORD_FILE, &st, 0), errno);
    assert_int_equal(st.st_mode & 07777, 0600);
    AUTO(freep) char *spec = NULL;
    assert_int_equal(fd_read_file(&spec, NULL, fd, INSTANCE_SPEC_FILE, 4096, &err), 0);
    assert_null(strstr(spec, "given-by-hand"));
    assert_int_equal(instances_load(&loaded, &tree->paths, &name, &err), 0);
    assert_int_equal(loaded->port, 27015);
    unit_write(fd, INSTANCE_PASSWORD_FILE, "short");
    assert_int_equal(instances_load_password(again, fd, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_null(strstr(err.message, "'short'"));
    assert_return_code(unlinkat(fd, INSTANCE_PASSWORD_FILE, 0), errno);
    assert_int_equal(instances_load_password(again, fd, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_string_equal(err.message,
                        "the RCON password of 'alpha' is gone: run 'l4d2ctl initialize' again");
    unit_write(fd, INSTANCE_SPEC_FILE, "port: x\n");
    instance_freep(&loaded);
    loaded = NULL;
    assert_int_equal(instances_load(&loaded, &tree->paths, &name, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_non_null(strstr(err.message, "l4d2ctl initialize"));
    assert_non_null(strstr(err.message, "alpha/spec.yaml:1:"));
    assert_return_code(renameat(tree->dir->fd, "data/instances", tree->dir->fd, "gone"), errno);
    assert_int_equal(instances_load(&loaded, &tree->paths, &name, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "systemd-tmpfiles --create"));
}

static void test_two_instances_share_no_port(void **state)
{
    static const struct {
        const char *spec;
        const char *words; // NULL: fine
    } cases[] = {
        { "port: 27015\n", "port 27015 is taken: it is the port of instance 'beta'" },
        { "port: 32015\n", "it is the tv_port of instance 'beta'" },
        { "port: 27016\ntv_port: 27015\n", "tv_port 27015 is taken" },
        { "port: 27016\nclient_port: 22015\n", "it is the client_port of instance 'beta'" },
        { "port: 27016\n", NULL },
    };
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };

    unit_write(tree->dir->fd, "data/instances/beta/spec.yaml", "port: 27015\n");
    unit_write(tree->dir->fd, "data/instances/alpha/spec.yaml", "port: 27015\n");
    unit_write(tree->dir->fd, "data/instances/damaged/spec.yaml", "port: x\n");
    assert_return_code(mkdirat(tree->dir->fd, "data/instances/unfinished", 0700), errno);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(instance_freep) struct instance *instance = parse(cases[i].spec);
        struct error                          err = { 0 };
        int r = instances_check_ports(&tree->paths, &name, instance, &err);
        assert_int_equal(r, cases[i].words ? -1 : 0);
        if (cases[i].words) {
            assert_int_equal(err.kind, ERROR_EXISTS);
            assert_non_null(strstr(err.message, cases[i].words));
        }
    }
}

static void test_names_are_listed_sorted(void **state)
{
    struct host_tree                 *tree = *state;
    AUTO(strings_done) struct strings names = { 0 };
    struct error                      err = { 0 };
    const char                       *s = NULL;

    for (unsigned i = 0; i < 40; i++) {
        char path[64];
        snprintf(path, sizeof path, "data/instances/n%02u", (i * 7) % 40);
        assert_return_code(mkdirat(tree->dir->fd, path, 0700), errno);
    }
    assert_return_code(mkdirat(tree->dir->fd, "data/instances/lost+found", 0700), errno);
    assert_int_equal(instances_list(&names, &tree->paths, &err), 0);
    assert_int_equal(names.n, 40);
    for (unsigned i = 0; i < 40; i++) {
        char want[8];
        snprintf(want, sizeof want, "n%02u", i);
        s = strings_next(&names, s);
        assert_string_equal(s, want);
    }
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_what_nobody_may_override_comes_last),
        ON_A_TREE(test_generations_are_numbered_and_used_again),
        ON_A_TREE(test_an_interrupted_write_is_swept_up),
        ON_A_TREE(test_what_is_used_and_the_newest_stay),
        ON_A_TREE(test_instances_keep_their_secret),
        ON_A_TREE(test_two_instances_share_no_port),
        ON_A_TREE(test_names_are_listed_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
