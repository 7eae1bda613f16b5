// SPDX-License-Identifier: MIT
#include "unit.h"
#include "host/instance.h"

static struct instance *must_parse(const char *name, const char *text, size_t n_text)
{
    struct instance *instance = NULL;
    struct error     err = { 0 };

    if (instance_parse(&instance, "spec.yaml", text, n_text, &err) < 0)
        fail_msg("%s: %s in:\n%.*s", name, err.message, (int)n_text, text);
    return instance;
}

// ---- the form ----------------------------------------------------------------------------------

#define PORTS "port: 27015\ntv_port: 32015\nclient_port: 22015\n"

static const struct {
    const char *name, *text, *want;
} forms[] = {
    { "the usual ports", "port: 27015\n", PORTS },
    { "the least of the usual", "port: 6024\n", "port: 6024\ntv_port: 11024\nclient_port: 1024\n" },
    { "the most of them", "port: 60535", "port: 60535\ntv_port: 65535\nclient_port: 55535\n" },
    { "other ports", "{client_port: 65535, port: 1024, tv_port: 1025}",
      "port: 1024\ntv_port: 1025\nclient_port: 65535\n" },
    { "a name", PORTS "hostname: it's (1)\n", PORTS "hostname: \"it's (1)\"\n" },
    { "a secret", PORTS "rcon_password: hunter2hunter2\n", PORTS },
    { "an overlay", PORTS "overlays:\n - 2147483647\n", PORTS "overlays: [2147483647]\n" },
    { "overlays", PORTS "overlays: [7, 3, 5]", PORTS "overlays: [7, 3, 5]\n" },
    { "arguments", PORTS "arguments: [-b, a, '1', 'a\\b']",
      PORTS "arguments:\n  - \"-b\"\n  - \"a\"\n  - \"1\"\n  - \"a\\\\b\"\n" },
    { "lines", PORTS "config: [b 1, 'a \"2\"', '']",
      PORTS "config:\n  - \"b 1\"\n  - \"a \\\"2\\\"\"\n  - \"\"\n" },
    { "a block of lines", PORTS "config: |\n  a \\ \"b\"\n\n  // x\n  \tt\n",
      PORTS "config:\n  - \"a \\\\ \\\"b\\\"\"\n  - \"\"\n  - \"// x\"\n  - \"\\tt\"\n" },
    { "empty lists", PORTS "arguments: []\nconfig: []\noverlays: []\nlimits: {}\n", PORTS },
    { "memory", PORTS "limits: {memory: 1024M}", PORTS "limits:\n  memory: 1G\n" },
    { "odd memory", PORTS "limits: {memory: 67108865}", PORTS "limits:\n  memory: 67108865\n" },
    { "cpu", PORTS "limits: {cpu: 5}", PORTS "limits:\n  cpu: 5\n" },
    { "cpus", PORTS "limits: {cpus: '2,4,3,0,255'}", PORTS "limits:\n  cpus: \"0,2-4,255\"\n" },
    { "a cpu", PORTS "limits: {cpus: 0}", PORTS "limits:\n  cpus: \"0\"\n" },
    { "tasks", PORTS "limits: {tasks: 99}", PORTS "limits:\n  tasks: 99\n" },
    { "server.cfg of overlays", PORTS "server_cfg_of: [5, 3]\noverlays: [3, 4, 5]\n",
      PORTS "overlays: [3, 4, 5]\nserver_cfg_of: [3, 5]\n" },
    { "everything, the last first",
      "limits: {tasks: 99, cpus: 1-2, cpu: 5, memory: 100M}\nconfig: [c]\narguments: [a]\n"
      "server_cfg_of: [3]\noverlays: [3]\nrcon_password: hunter2hunter2\nhostname: h\n" PORTS,
      PORTS "hostname: \"h\"\noverlays: [3]\nserver_cfg_of: [3]\narguments:\n  - \"a\"\nconfig:\n  "
            "- \"c\"\n"
            "limits:\n  memory: 100M\n  cpu: 5\n  cpus: \"1-2\"\n  tasks: 99\n" },
};

static void test_there_is_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(forms); i++) {
        const char *text = forms[i].text;
        for (unsigned round = 1; round <= 2; round++, text = forms[i].want) { // then what it made
            AUTO(instance_freep) struct instance *instance = NULL;
            AUTO(buffer_done) struct buffer       written = { 0 };
            instance = must_parse(forms[i].name, text, strlen(text));
            instance_format(&written, instance);
            if (strcmp(written.bytes, forms[i].want) != 0)
                fail_msg("%s, round %u:\n%s", forms[i].name, round, written.bytes);
        }
    }
}

// ---- what is written reads back ----------------------------------------------------------------

static struct instance plain_instance(void)
{
    return (struct instance){ .port = 27015, .tv_port = 32015, .client_port = 22015 };
}

static void add(struct strings *strings, const char *text)
{
    strings_add(strings, text, strlen(text));
}

// Takes the lists of `a`.
static void must_read_back(const char *name, struct instance *a)
{
    AUTO(instance_freep) struct instance *b = NULL;
    AUTO(buffer_done) struct buffer       text = { 0 };

    instance_format(&text, a);
    b = must_parse(name, text.bytes, text.n);
    if (a->port != b->port || a->tv_port != b->tv_port || a->client_port != b->client_port ||
        strcmp(a->hostname, b->hostname) != 0 || a->n_overlays != b->n_overlays ||
        memcmp(a->overlays, b->overlays, sizeof a->overlays) != 0 ||
        a->n_server_cfg_of != b->n_server_cfg_of ||
        memcmp(a->server_cfg_of, b->server_cfg_of, sizeof a->server_cfg_of) != 0 ||
        !strings_equal(&a->arguments, &b->arguments) || !strings_equal(&a->config, &b->config) ||
        memcmp(&a->limits, &b->limits, sizeof a->limits) != 0)
        fail_msg("%s: it is another one after:\n%s", name, text.bytes);
    strings_done(&a->arguments);
    strings_done(&a->config);
}

// What YAML would take for something else if it stood there as it is.
static const char *const hard_words[] = {
    "a: b", "a:",   ": a",  "?",    "? a",   "#",   "# a",   "a # b",      "[a]",  "{a: b}",
    "a, b", "*a",   "&a b", "!a b", "!!str", "|",   "> a",   "%YAML",      "@a",   "`a`",
    "---",  "...",  "<<",   "=",    "~",     "-",   "-1",    "+1",         "1",    "1.5",
    "1e3",  "0x1f", "0o17", ".inf", "null",  "yes", "On",    "12:30",      "a  b", " a",
    "a ",   " ",    "it's", "'",    "''",    "'a'", "a'b c", "2001-01-01",
};
// Likewise, for config lines alone: quotes, escapes and blanks above all.
static const char *const hard_lines[] = {
    "",          "- a",    "-- a: b", "\"",   "\"\"", "\"a\"",
    "a \"b\" c", "'\"'",   "\"'\"",   "\\",   "\\\\", "a\\",
    "\\\"",      "\\\\\"", "\"\\",    "\\n",  "\\t",  "\\x41",
    "\\u00e9",   "\\ ",    "\t",      "\ta",  "a\t",  "a\tb",
    "\t\t",      " \t ",   "\\\t",    "a; b", ";",    "bind a \"b c\"; c // \"",
};

static void test_hard_strings_read_back(void **state)
{
    struct instance instance = plain_instance();

    (void)state;
    for (size_t i = 0; i < ELEMENTS(hard_words); i++) {
        snprintf(instance.hostname, sizeof instance.hostname, "%s", hard_words[i]);
        add(&instance.arguments, hard_words[i]);
        add(&instance.config, hard_words[i]);
        must_read_back(hard_words[i], &instance);
    }
    *instance.hostname = '\0';
    for (size_t i = 0; i < ELEMENTS(hard_lines); i++) {
        add(&instance.config, hard_lines[i]);
        must_read_back(hard_lines[i], &instance);
    }
}

static void test_every_character_reads_back(void **state)
{
    char characters[0x7f - 0x20 + 2] = "\t";

    (void)state;
    for (char c = 0x20; c <= 0x7e; c++)
        characters[c - 0x20 + 1] = c;
    for (const char *c = characters; *c; c++) {
        struct instance instance = plain_instance();
        char            between[4] = { 'a', *c, 'b' };
        add(&instance.config, between);
        add(&instance.config, (char[]){ *c, 'a', '\0' });
        add(&instance.config, (char[]){ 'a', *c, '\0' });
        add(&instance.config, (char[]){ *c, *c, '\0' });
        if (!strchr("\t\"", *c))
            add(&instance.arguments, between);
        if (!strchr("\t\"\\;", *c))
            memcpy(instance.hostname, between, sizeof between);
        must_read_back(between, &instance);
    }
}

static void test_the_longest_reads_back(void **state)
{
    static const char characters[] = "a \t\"\\'";

    (void)state;
    for (const char *c = characters; *c; c++) {
        struct instance instance = plain_instance();
        char            line[INSTANCE_CONFIG_LINE_MAX + 1] = "";
        memset(line, *c, sizeof line - 1);
        add(&instance.config, line);
        if (!strchr("\t\"", *c))
            strings_add(&instance.arguments, line, INSTANCE_ARGUMENT_MAX);
        if (!strchr("\t\"\\", *c))
            memcpy(instance.hostname, line, INSTANCE_HOSTNAME_MAX);
        must_read_back("the longest", &instance);
    }
}

static void test_the_most_reads_back(void **state)
{
    struct instance instance = plain_instance();

    (void)state;
    instance.n_overlays = INSTANCE_OVERLAYS_MAX;
    for (uint32_t i = 0; i < INSTANCE_OVERLAYS_MAX; i++)
        instance.overlays[i] = instance.server_cfg_of[i] = NUMBER_MAX - i;
    instance.n_server_cfg_of = INSTANCE_OVERLAYS_MAX;
    for (unsigned i = 0; i < INSTANCE_ARGUMENTS_MAX; i++)
        add(&instance.arguments, i % 2 ? "1" : "-a");
    for (unsigned i = 0; i < INSTANCE_CONFIG_LINES_MAX; i++)
        add(&instance.config, i % 2 ? "b" : "");
    must_read_back("the most", &instance);
}

#define ALL   UINT64_MAX
#define EVERY UINT64_C(0x5555555555555555)

static const struct {
    const char            *name;
    struct instance_limits limits;
} limits[] = {
    { "none", { 0 } },
    { "least memory", { .memory_bytes = LIMIT_MEMORY_MIN } },
    { "odd memory", { .memory_bytes = LIMIT_MEMORY_MIN + 1 } },
    { "memory in kilobytes", { .memory_bytes = LIMIT_MEMORY_MIN + 1024 } },
    { "most memory", { .memory_bytes = LIMIT_MEMORY_MAX } },
    { "nearly most memory", { .memory_bytes = LIMIT_MEMORY_MAX - 1 } },
    { "least cpu", { .cpu_percent = 1 } },
    { "most cpu", { .cpu_percent = LIMIT_CPU_PERCENT_MAX } },
    { "least tasks", { .tasks = LIMIT_TASKS_MIN } },
    { "most tasks", { .tasks = LIMIT_TASKS_MAX } },
    { "first processor", { .cpus = { 1 } } },
    { "last processor", { .cpus = { 0, 0, 0, UINT64_C(1) << 63 } } },
    { "around a word's end", { .cpus = { UINT64_C(1) << 63, 1 } } },
    { "all processors", { .cpus = { ALL, ALL, ALL, ALL } } },
    { "every second", { .cpus = { EVERY, EVERY, EVERY, EVERY } } },
    { "some of all", { .memory_bytes = LIMIT_MEMORY_DEFAULT, 150, 512, { 6, 0, 3 } } },
};

static void test_limits_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(limits); i++) {
        struct instance instance = plain_instance();
        instance.limits = limits[i].limits;
        must_read_back(limits[i].name, &instance);
    }
}

// ---- what differs ------------------------------------------------------------------------------

static const struct {
    const char *a, *b, *want; // besides "port: 27015" in both
} changes[] = {
    { "", "", "" },
    { "", "tv_port: 32015", "" },
    { "", "tv_port: 32016", "tv_port" },
    { "", "client_port: 22016", "client_port" },
    { "", "hostname: a", "hostname" },
    { "hostname: a", "hostname: A", "hostname" },
    { "hostname: a", "hostname: 'a'", "" },
    { "", "rcon_password: hunter2hunter2", "" },
    { "", "overlays: [3]", "overlays" },
    { "overlays: [3]", "overlays: [4]", "overlays" },
    { "overlays: [3, 4]", "overlays: [4, 3]", "overlays" },
    { "overlays: [3]", "overlays: [3, 4]", "overlays" },
    { "overlays: [3, 4]", "overlays: [3, 5]", "overlays" },
    { "overlays: [3]", "overlays: [3]\nserver_cfg_of: [3]", "server_cfg_of" },
    { "overlays: [3, 4]\nserver_cfg_of: [3]", "overlays: [3, 4]\nserver_cfg_of: [4]",
      "server_cfg_of" },
    { "overlays: [3, 4]\nserver_cfg_of: [3, 4]", "overlays: [3, 4]\nserver_cfg_of: [4, 3]", "" },
    { "", "arguments: [a]", "arguments" },
    { "arguments: [a, b]", "arguments: [a b]", "arguments" },
    { "arguments: [a, b]", "arguments: [b, a]", "arguments" },
    { "", "config: [a]", "config" },
    { "config: [a]", "config: [a, '']", "config" },
    { "config: [a, b]", "config: [b, a]", "config" },
    { "config: [a, b]", "config: |\n  a\n  b\n", "" },
    { "", "limits: {memory: 1G}", "limits" },
    { "limits: {memory: 1G}", "limits: {memory: 1024M}", "" },
    { "", "limits: {cpu: 1}", "limits" },
    { "", "limits: {cpus: 255}", "limits" },
    { "limits: {cpus: 1-2}", "limits: {cpus: '2,1'}", "" },
    { "", "limits: {tasks: 99}", "limits" },
    { "", "limits: {cpu: 1}\nconfig: [a]\nhostname: a", "hostname config limits" },
};

static void assert_changes(const char *text_a, const char *text_b, const char *want)
{
    AUTO(instance_freep) struct instance *a = must_parse("a", text_a, strlen(text_a));
    AUTO(instance_freep) struct instance *b = must_parse("b", text_b, strlen(text_b));
    AUTO(strings_done) struct strings     words = { 0 };
    AUTO(buffer_done) struct buffer       text = { 0 };

    instance_compare(&words, a, b);
    buffer_add_string(&text, "");
    for (const char *s = NULL; (s = strings_next(&words, s));)
        buffer_printf(&text, "%s%s", text.n > 0 ? " " : "", s);
    if (strcmp(text.bytes, want) != 0)
        fail_msg("%s\nand %s\ndiffer in '%s'", text_a, text_b, text.bytes);
}

static void test_changes_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(changes); i++) {
        char a[128], b[128];
        snprintf(a, sizeof a, "port: 27015\n%s\n", changes[i].a);
        snprintf(b, sizeof b, "port: 27015\n%s\n", changes[i].b);
        assert_changes(a, b, changes[i].want);
        assert_changes(b, a, changes[i].want);
    }
    assert_changes("port: 27015\n", "port: 27016\n", "port tv_port client_port");
    assert_changes(PORTS, "port: 27016\ntv_port: 32015\nclient_port: 22015\n", "port");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_one_form),
        cmocka_unit_test(test_hard_strings_read_back),
        cmocka_unit_test(test_every_character_reads_back),
        cmocka_unit_test(test_the_longest_reads_back),
        cmocka_unit_test(test_the_most_reads_back),
        cmocka_unit_test(test_limits_read_back),
        cmocka_unit_test(test_changes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
