// SPDX-License-Identifier: MIT
#include "unit.h"
#include "host/instance.h"
#include "host/limittext.h"

static int parse(struct instance **ret, const char *text, struct error *err)
{
    return instance_parse(ret, "spec.yaml", text, strlen(text), err);
}

static void test_every_key_is_read(void **state)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    struct error                          err = { 0 };
    const char                           *s;

    (void)state;
    assert_int_equal(parse(&instance,
                           "port: 27015\n"
                           "tv_port: 27020\n"
                           "client_port: 27005\n"
                           "hostname: My server (1)\n"
                           "rcon_password: s3cret-s3cret\n"
                           "server_cfg_of: [3, 7]\n"
                           "overlays: [7, 4, 3]\n"
                           "arguments: [+map, c2m1_highway, -tickrate, 60]\n"
                           "config:\n"
                           "  - sv_consistency 1\n"
                           "  - 'say \"hello\tworld\"'\n"
                           "limits:\n"
                           "  memory: 4G\n"
                           "  cpu: 200\n"
                           "  cpus: 0-3,6\n"
                           "  tasks: 512\n",
                           &err),
                     0);
    assert_int_equal(instance->port, 27015);
    assert_int_equal(instance->tv_port, 27020);
    assert_int_equal(instance->client_port, 27005);
    assert_string_equal(instance->hostname, "My server (1)");
    assert_string_equal(instance->rcon_password, "s3cret-s3cret");
    assert_int_equal(instance->n_overlays, 3);
    assert_int_equal(instance->overlays[0], 7);
    assert_int_equal(instance->n_server_cfg_of, 2); // in the order of the others
    assert_int_equal(instance->server_cfg_of[0], 7);
    assert_int_equal(instance->server_cfg_of[1], 3);
    assert_int_equal(instance->arguments.n, 4);
    s = strings_next(&instance->arguments, NULL);
    assert_string_equal(s, "+map");
    assert_string_equal(strings_next(&instance->arguments, s), "c2m1_highway");
    assert_int_equal(instance->config.n, 2);
    assert_int_equal(instance->limits.memory_bytes, UINT64_C(4) << 30);
    assert_int_equal(instance->limits.cpu_percent, 200);
    assert_int_equal(instance->limits.cpus[0], 0x4f);
    assert_int_equal(instance->limits.tasks, 512);
}

static void test_ports_have_defaults(void **state)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    struct error                          err = { 0 };

    (void)state;
    assert_int_equal(parse(&instance, "port: 27015\n", &err), 0);
    assert_int_equal(instance->tv_port, 32015);
    assert_int_equal(instance->client_port, 22015);
}

// However people number their servers, no default is another one's port, or one that the kernel may
// have given to some program.
static void test_defaults_are_out_of_the_way(void **state)
{
    enum { FIRST = 27000, LAST = 27767, EPHEMERAL = 32768 };
    static uint8_t n_users[UINT16_MAX + 1];

    (void)state;
    for (unsigned port = FIRST; port <= LAST; port++) {
        AUTO(instance_freep) struct instance *instance = NULL;
        struct error                          err = { 0 };
        char                                  text[32];
        snprintf(text, sizeof text, "port: %u\n", port);
        assert_int_equal(parse(&instance, text, &err), 0);
        const uint16_t ports[] = { instance->port, instance->tv_port, instance->client_port };
        for (size_t i = 0; i < ELEMENTS(ports); i++) {
            assert_in_range(ports[i], 1024, EPHEMERAL - 1);
            assert_int_equal(n_users[ports[i]]++, 0);
        }
    }
}

// Each is refused at its line with a sentence that holds the words.
static const struct {
    const char *text;
    unsigned    line;
    const char *words;
} refused[] = {
    { "", 1, "a map of keys is wanted" },
    { "[1]\n", 1, "a map of keys is wanted" },
    { "hostname: x\n", 1, "port is missing" },
    { "port: 27015\nport: 27016\n", 2, "'port' is given twice" },
    { "port: 27015\nprot: 1\n", 2, "unknown key 'prot'" },
    { "port: 80\n", 1, "from 1024 to 65535" },
    { "port: 65536\n", 1, "from 1024 to 65535" },
    { "port: 027015x\n", 1, "from 1024 to 65535" },
    { "port: '27015'\n", 1, "without quotes" },
    { "port: [27015]\n", 1, "not a list or a map" },
    { "port:\n", 1, "wants 1 to" },
    { "port: 6023\n", 1, "usual client_port (port - 5000): give client_port a value" },
    { "port: 60536\n", 1, "usual tv_port (port + 5000): give tv_port a value" },
    { "port: 27015\ntv_port: 27015\n", 1, "three different numbers" },
    { "port: 27015\nhostname: 'a\"b'\n", 2, "must not contain" },
    { "port: 27015\nhostname: a;quit\n", 2, "must not contain" },
    { "port: 27015\nhostname: \"a\\nb\"\n", 2, "printable ASCII" },
    { "port: 27015\nhostname: \"a\\0b\"\n", 2, "printable ASCII" },
    { "port: 27015\nhostname: caf\xc3\xa9\n", 2, "printable ASCII" },
    { "port: 27015\nrcon_password: short\n", 2, "8 to 64 characters" },
    { "port: 27015\nrcon_password: 'with space'\n", 2, "8 to 64 characters" },
    { "port: 27015\nrcon_password: [a]\n", 2, "8 to 64 characters" },
    { "port: 27015\noverlays: 3\n", 2, "list of overlay numbers" },
    { "port: 27015\noverlays: [0]\n", 2, "from 1 to" },
    { "port: 27015\noverlays: [1]\n", 2, "is the game" },
    { "port: 27015\noverlays:\n - 3\n - 4\n - 3\n", 5, "in the list twice" },
    { "port: 27015\noverlays: [[[[3]]]]\n", 2, "not a list or a map" },
    { "port: 27015\nserver_cfg_of: 3\n", 2, "list of overlay numbers" },
    { "port: 27015\nserver_cfg_of: [0]\n", 2, "from 1 to" },
    { "port: 27015\nserver_cfg_of:\n - 3\noverlays: [4]\n", 2,
      "overlay 3, which is not in overlays" },
    { "port: 27015\noverlays: [3]\nserver_cfg_of: [1]\n", 3,
      "overlay 1, which is not in overlays" },
    { "port: 27015\noverlays: [3]\nserver_cfg_of:\n - 3\n - 3\n", 5, "in the list twice" },
    { "port: 27015\narguments: +map c2m1\n", 2, "arguments wants a list" },
    { "port: 27015\narguments: [+map c2m1]\n", 2, "one item per word" },
    { "port: 27015\narguments: ['a\"b']\n", 2, "double quote" },
    { "port: 27015\narguments: [-port]\n", 2, "use the key port" },
    { "port: 27015\narguments: [+HOSTPORT]\n", 2, "use the key port" },
    { "port: 27015\narguments:\n - -tickrate\n - -game\n", 4, "always left4dead2" },
    { "port: 27015\narguments: [+servercfgfile]\n", 2, "use the key config" },
    { "port: 27015\narguments: [+rcon_password]\n", 2, "use the key rcon_password" },
    { "port: 27015\narguments: [-norestart]\n", 2, "systemd restarts" },
    { "port: 27015\nconfig: {a: b}\n", 2, "list of lines or a block" },
    { "port: 27015\nconfig:\n - [a]\n", 3, "lines of text" },
    { "port: 27015\nconfig:\n - ok 1\n - hostname x\n", 4, "use the key hostname" },
    { "port: 27015\nconfig:\n - 'ok 1; Rcon_Password x'\n", 3, "use the key rcon_password" },
    { "port: 27015\nconfig:\n - '\"log\" off'\n", 3, "always on" },
    { "port: 27015\nconfig: |\n  ok 1\n  fine 2\n  log off\n", 5, "always on" },
    { "port: 27015\nconfig: |\n  ok 1\n  // caf\xc3\xa9\n", 4, "column 7" },
    { "port: 27015\nconfig: [\"a\\rb\"]\n", 2, "not printable ASCII" },
    { "port: 27015\nlimits: 4G\n", 2, "limits wants a map" },
    { "port: 27015\nlimits:\n  memory: 4X\n", 3, "such as 4G" },
    { "port: 27015\nlimits:\n  memory: 1M\n", 3, "such as 4G" },
    { "port: 27015\nlimits:\n  cpu: 0\n", 3, "from 1 to 25600" },
    { "port: 27015\nlimits:\n  cpus: 3-1\n", 3, "0-3,6" },
    { "port: 27015\nlimits:\n  cpus: 0,,1\n", 3, "0-3,6" },
    { "port: 27015\nlimits:\n  cpus: 256\n", 3, "0-3,6" },
    { "port: 27015\nlimits:\n  tasks: 1\n", 3, "from 16 to 65536" },
    { "port: 27015\nlimits:\n  swap: 1\n", 3, "unknown key 'swap'" },
    { "port: &a 27015\n", 1, "anchors, aliases and tags" },
    { "port: !!int 27015\n", 1, "anchors, aliases and tags" },
    { "port: 27015\nhostname: *a\n", 2, "anchors, aliases and tags" },
    { "port: 27015\n---\nport: 27016\n", 2, "only one document" },
    { "port: 27015\n\tx: 1\n", 2, "this is not YAML" },
    { "port: 27015\nhostname: \"open\n", 3, "this is not YAML" },
    { "? [a]\n: 1\n", 1, "a key wants a text" },
    { "\"por\\et\": 1\n", 1, "printable ASCII" },
};

static void test_what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        struct instance *instance = NULL;
        struct error     err = { 0 };
        char             prefix[32];
        if (parse(&instance, refused[i].text, &err) == 0)
            fail_msg("accepted: %s", refused[i].text);
        assert_int_equal(err.kind, ERROR_INVALID);
        snprintf(prefix, sizeof prefix, "spec.yaml:%u: ", refused[i].line);
        if (strncmp(err.message, prefix, strlen(prefix)) != 0 ||
            !strstr(err.message, refused[i].words))
            fail_msg("row %zu, wanted '%s…%s', got '%s'", i, prefix, refused[i].words, err.message);
        for (const char *c = err.message; *c; c++)
            assert_in_range(*c, 0x20, 0x7e);
    }
}

static void test_a_secret_is_never_quoted(void **state)
{
    struct instance *instance = NULL;
    struct error     err = { 0 };

    (void)state;
    assert_int_equal(parse(&instance, "port: 27015\nrcon_password: 'hunter 2 hunter'\n", &err), -1);
    assert_null(strstr(err.message, "hunter"));
}

static void test_limits_of_size(void **state)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    struct instance                *instance = NULL;
    struct error                    err = { 0 };

    (void)state;
    buffer_add_string(&text, "port: 27015\nconfig:\n");
    for (unsigned i = 0; i <= INSTANCE_CONFIG_LINES_MAX; i++)
        buffer_add_string(&text, "- a\n");
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);
    assert_non_null(strstr(err.message, "at most 2048 config lines"));

    buffer_done(&text);
    buffer_add_string(&text, "port: 27015\narguments:\n");
    for (unsigned i = 0; i <= INSTANCE_ARGUMENTS_MAX; i++)
        buffer_add_string(&text, "- a\n");
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);

    buffer_done(&text);
    buffer_add_string(&text, "port: 27015\noverlays:\n");
    for (unsigned i = 0; i <= INSTANCE_OVERLAYS_MAX; i++)
        buffer_printf(&text, "- %u\n", i + 2);
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);

    buffer_done(&text);
    buffer_add_string(&text, "port: 27015\nconfig:\n- ");
    for (unsigned i = 0; i <= INSTANCE_CONFIG_LINE_MAX; i++)
        buffer_add_string(&text, "a");
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);

    buffer_done(&text);
    for (unsigned i = 0; i <= INSTANCE_BYTES_MAX; i++)
        buffer_add_string(&text, "#");
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);
    assert_non_null(strstr(err.message, "larger than"));

    buffer_done(&text);
    for (unsigned i = 0; i < 50000; i++)
        buffer_add_string(&text, "[");
    assert_int_equal(instance_parse(&instance, "f", text.bytes, text.n, &err), -1);
    assert_null(instance);
}

static void test_every_prefix_ends_well(void **state)
{
    static const char text[] =
        "port: 27015\nhostname: \"a\\x41b\"\noverlays: [3]\nconfig: |\n  a 1\n  b 2\n"
        "limits: {memory: 4G, cpus: \"0-3\"}\narguments:\n- +map\n- c1m1_hotel\n";

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        AUTO(instance_freep) struct instance *instance = NULL;
        struct error                          err = { 0 };
        AUTO(freep) char                     *copy = malloc(n + 1); // the sanitizer guards its end
        memcpy(copy, text, n);
        if (instance_parse(&instance, "f", copy, n, &err) < 0)
            assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_lists_of_processors(void **state)
{
    static const struct {
        const char *text, *normal; // NULL: refused
    } cases[] = {
        { "0", "0" },     { "0-3,6", "0-3,6" }, { "6,0,1,2,3", "0-3,6" },
        { "255", "255" }, { "63-64", "63-64" }, { "1,1,1", "1" },
        { "", NULL },     { ",", NULL },        { "-", NULL },
        { "1-", NULL },   { "-1", NULL },       { "3-2", NULL },
        { "256", NULL },  { "0 1", NULL },      { "0-1-2", NULL },
        { "a", NULL },    { "1,", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(buffer_done) struct buffer text = { 0 };
        struct instance_limits          limits = { 0 };
        struct error                    err = { 0 };
        int                             r = limittext_parse_cpus(&limits, cases[i].text, &err);
        assert_int_equal(r, cases[i].normal ? 0 : -1);
        assert_int_equal(limittext_has_cpus(&limits), cases[i].normal != NULL);
        if (!cases[i].normal)
            continue;
        limittext_format_cpus(&text, &limits);
        assert_string_equal(text.bytes, cases[i].normal);
    }
}

static void test_sizes_as_words(void **state)
{
    static const struct {
        uint64_t    bytes;
        const char *words;
    } cases[] = {
        { 0, "0" },
        { 1, "1" },
        { 1024, "1K" },
        { UINT64_C(4) << 30, "4G" },
        { UINT64_C(1536) << 20, "1536M" },
        { UINT64_C(1) << 40, "1T" },
        { 1025, "1025" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(buffer_done) struct buffer text = { 0 };
        limittext_format_bytes(&text, cases[i].bytes);
        assert_string_equal(text.bytes, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_read),
        cmocka_unit_test(test_ports_have_defaults),
        cmocka_unit_test(test_defaults_are_out_of_the_way),
        cmocka_unit_test(test_what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(test_a_secret_is_never_quoted),
        cmocka_unit_test(test_limits_of_size),
        cmocka_unit_test(test_every_prefix_ends_well),
        cmocka_unit_test(test_lists_of_processors),
        cmocka_unit_test(test_sizes_as_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
