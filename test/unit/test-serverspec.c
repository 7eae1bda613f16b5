// SPDX-License-Identifier: MIT
#include "host/instance.h"
#include "store-things.h"
#include "work/spec.h"

#include <jansson.h>

#define PASSWORD "abcdefgh"

// What l4d2ctl makes of it; NULL: it is refused, and *err says why.
static struct instance *parsed(const struct server *server, const struct blueprint *blueprint,
                               struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    struct instance                *instance = NULL;

    *err = (struct error){ 0 };
    spec_format(&text, server, blueprint, PASSWORD);
    assert_int_equal(buffer_check(&text, err), 0);
    if (instance_parse(&instance, "spec", text.bytes, text.n, err) < 0)
        return NULL;
    assert_string_equal(instance->rcon_password, PASSWORD);
    return instance;
}

static struct server plain_server(void)
{
    return (struct server){ .name = "Friday", .ports = { 27015, 22015, 32015 } };
}

static void test_all_of_it(void **state)
{
    char                     arguments[] = "[\"+map\", \"c2m1_highway\", \"say \\\\ 'x' # : {}\"]";
    char                     config[] = "sv_consistency 1\r\n\nmotd \"a: [b]\"\t// #\n%lu \\n";
    struct blueprint_overlay overlays[] = { { .overlay = 9 },
                                            { .overlay = 3, .exposes_server_cfg = true },
                                            { .overlay = 7, .exposes_server_cfg = true } };
    struct blueprint         blueprint = { .arguments = arguments,
                                           .config = config,
                                           .memory_bytes = UINT64_C(4) << 30,
                                           .cpu_percent = 200,
                                           .tasks = 512,
                                           .n_overlays = 3,
                                           .overlays = overlays };
    struct server            server = plain_server();
    struct error             err;

    (void)state;
    snprintf(server.hostname, sizeof server.hostname, "%s", "A 'host': #1 - {x} %s");
    AUTO(instance_freep) struct instance *instance = parsed(&server, &blueprint, &err);
    assert_string_equal(err.message, "");
    assert_true(instance->port == 27015 && instance->client_port == 22015 &&
                instance->tv_port == 32015);
    assert_string_equal(instance->hostname, server.hostname);
    assert_int_equal(instance->n_overlays, 3);
    assert_true(instance->overlays[0] == 7 && instance->overlays[1] == 3 &&
                instance->overlays[2] == 9);
    assert_int_equal(instance->n_server_cfg_of, 2);
    assert_true(instance->server_cfg_of[0] == 7 && instance->server_cfg_of[1] == 3);
    assert_true(instance->limits.memory_bytes == UINT64_C(4) << 30 &&
                instance->limits.cpu_percent == 200 && instance->limits.tasks == 512);
    assert_int_equal(instance->arguments.n, 3);
    const char *word = strings_next(&instance->arguments, NULL);
    assert_string_equal(word, "+map");
    word = strings_next(&instance->arguments, strings_next(&instance->arguments, word));
    assert_string_equal(word, "say \\ 'x' # : {}");
    static const char *const lines[] = { "sv_consistency 1", "", "motd \"a: [b]\"\t// #",
                                         "%lu \\n" };
    assert_int_equal(instance->config.n, ELEMENTS(lines));
    const char *line = NULL;
    for (size_t i = 0; i < ELEMENTS(lines); i++) {
        line = strings_next(&instance->config, line);
        assert_string_equal(line, lines[i]);
    }
}

// A text that would end its quotes and go on as YAML stays one text, or is refused.
static void test_hostile_texts(void **state)
{
    static const char *const texts[] = {
        "\"\nport: 1024\n#",
        "x\"\nrcon_password: hacked123\noverlays: [5]\n#",
        "\\",
        "\\\"",
        "\\x22",
        "*alias",
        "&anchor x",
        "!!binary x",
        "!tag",
        "%YAML 1.1",
        "--- x",
        "...",
        "? x",
        "- x",
        "{a: b}",
        "[1, 2]",
        "| block",
        "> block",
        "~",
        "null",
        "",
        " ",
        "\x01",
        "\x7f",
        "\x1b[31m",
        "\xc2\x85\xe2\x80\xa8x",
        "\xef\xbb\xbfx",
        "\xff\xfe",
        "\xc0\xaf",
        "\xf0\x9f\x98\x80",
        "#comment",
        "a #b: c",
    };

    (void)state;
    for (size_t i = 0; i < 3 * ELEMENTS(texts); i++) {
        const char       *text = texts[i % ELEMENTS(texts)];
        json_t           *list = i / ELEMENTS(texts) == 0 ? json_pack("[s]", text) : NULL;
        AUTO(freep) char *arguments = list ? json_dumps(list, 0) : strdup("[]");
        char              config[64];
        struct blueprint  blueprint = { .arguments = arguments, .config = config };
        struct server     server = plain_server();
        struct error      err;
        json_decref(list);
        snprintf(config, sizeof config, "%s", i / ELEMENTS(texts) == 1 ? text : "");
        if (i / ELEMENTS(texts) == 2)
            snprintf(server.hostname, sizeof server.hostname, "%s", text);
        AUTO(instance_freep) struct instance *instance = parsed(&server, &blueprint, &err);
        if (!instance) { // by what it says, never because it is no YAML
            assert_int_equal(err.kind, ERROR_INVALID);
            assert_true(strstr(err.message, "printable") || strstr(err.message, "argument") ||
                        strstr(err.message, "hostname") || strstr(err.message, "per word") ||
                        strstr(err.message, "config line"));
            continue;
        }
        assert_int_equal(instance->port, 27015);
        assert_int_equal(instance->n_overlays, 0);
        if (i / ELEMENTS(texts) == 0 && instance->arguments.n)
            assert_string_equal(strings_next(&instance->arguments, NULL), text);
        if (i / ELEMENTS(texts) == 2 && *text)
            assert_string_equal(instance->hostname, text);
    }
}

static void test_hostname_of_the_name(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        { "Friday night", "Friday night" },
        { "a\"b;c\\d", "a?b?c?d" },
        { "\xc3\xa4", "??" },
    };
    char             none[] = "[]", empty[] = "";
    struct blueprint blueprint = { .arguments = none, .config = empty };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct server server = plain_server();
        struct error  err;
        snprintf(server.name, sizeof server.name, "%s", cases[i].name);
        AUTO(instance_freep) struct instance *instance = parsed(&server, &blueprint, &err);
        assert_non_null(instance);
        assert_string_equal(instance->hostname, cases[i].want);
    }
}

static void test_of_the_rows(void **state)
{
    struct database                *db = ((struct store_world *)*state)->db;
    int64_t                         bill = things_user(db, "bill", ROLE_USER);
    int64_t                         blueprint = things_blueprint(db, "plain", bill, false);
    int64_t                         id = things_server(db, "Friday", bill, blueprint);
    AUTO(buffer_done) struct buffer text = { 0 }, without = { 0 };
    char                            password[SERVER_RCON_MAX];
    struct error                    err = { 0 };
    struct secret_key               other = { { 9 } };

    assert_int_equal(server_rcon_password(password, db, id, &things_key, &err), 0);
    assert_int_equal(spec_read(&text, db, id, &things_key, &err), 0);
    AUTO(instance_freep) struct instance *instance = NULL;
    assert_int_equal(instance_parse(&instance, "spec", text.bytes, text.n, &err), 0);
    assert_string_equal(instance->rcon_password, password);
    assert_string_equal(instance->hostname, "Friday");
    assert_int_equal(spec_read(&without, db, id, NULL, &err), 0);
    assert_null(strstr(without.bytes, "rcon_password"));
    assert_int_equal(spec_read(&without, db, id, &other, &err), -1);
    assert_int_equal(spec_read(&without, db, id + 1, &things_key, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_hostname_of_the_name),
        IN_STORE(test_of_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
