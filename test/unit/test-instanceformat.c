// SPDX-License-Identifier: MIT
#include "unit.h"
#include "host/instance.h"

static int parse(struct instance **ret, const char *text, struct error *err)
{
    return instance_parse(ret, "spec.yaml", text, strlen(text), err);
}

static void test_the_normalised_form_reads_back(void **state)
{
    static const char *const texts[] = {
        "port: 6024\n",
        "port: 60535\n",
        "port: 27015\nhostname: a b\noverlays: [3, 4, 5]\narguments: ['+say', 'a\\b', \"it's\"]\n"
        "config: |\n  a \"b\" \\ c\n\n  // x\n  \tt\nlimits: {memory: 100M, cpu: 5, cpus: "
        "'0,2-4,255'"
        ", tasks: 99}\n",
        "port: 27015\nlimits: {memory: 67108865}\nconfig: []\narguments: []\n",
        "{port: 27015, tv_port: 1024, client_port: 1025}",
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        AUTO(instance_freep) struct instance *a = NULL;
        AUTO(instance_freep) struct instance *b = NULL;
        AUTO(buffer_done) struct buffer       text = { 0 };
        AUTO(strings_done) struct strings     changes = { 0 };
        struct error                          err = { 0 };
        assert_int_equal(parse(&a, texts[i], &err), 0);
        instance_format(&text, a);
        if (parse(&b, text.bytes, &err) < 0)
            fail_msg("%s\n%s", err.message, text.bytes);
        instance_compare(&changes, a, b);
        assert_int_equal(changes.n, 0);
    }
}

static void test_changes_have_names(void **state)
{
    AUTO(instance_freep) struct instance *a = NULL;
    AUTO(instance_freep) struct instance *b = NULL;
    AUTO(strings_done) struct strings     changes = { 0 };
    struct error                          err = { 0 };
    const char                           *s;

    (void)state;
    assert_int_equal(parse(&a, "port: 27015\nhostname: a\n", &err), 0);
    assert_int_equal(parse(&b, "port: 27015\nhostname: b\nlimits: {cpu: 1}\n", &err), 0);
    instance_compare(&changes, a, b);
    assert_int_equal(changes.n, 2);
    s = strings_next(&changes, NULL);
    assert_string_equal(s, "hostname");
    assert_string_equal(strings_next(&changes, s), "limits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_normalised_form_reads_back),
        cmocka_unit_test(test_changes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
