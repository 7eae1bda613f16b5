// SPDX-License-Identifier: MIT
#include "unit.h"
#include "base/protocol.h"

static void test_instance_names(void **state)
{
    static const struct {
        const char *text;
        bool        is_valid;
    } cases[] = {
        { "a", true },
        { "0", true },
        { "s1", true },
        { "a-b_c", true },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
        { "", false },
        { "-a", false },
        { "_a", false },
        { "A", false },
        { "a.b", false },
        { "a/b", false },
        { "..", false },
        { "a@b", false },
        { "a:b", false },
        { "a b", false },
        { "a\n", false },
        { "\xc3\xa4", false },
        { "a\\x2d", false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error         err = { 0 };
        struct instance_name name = { 0 };
        assert_int_equal(instance_name_set(&name, cases[i].text, &err), cases[i].is_valid ? 0 : -1);
        assert_int_equal(instance_name_is_valid(&name), cases[i].is_valid);
    }
}

static void test_names_must_be_padded_with_zeros(void **state)
{
    struct instance_name name = { "alpha" };

    (void)state;
    assert_true(instance_name_is_valid(&name));
    name.text[20] = 'x';
    assert_false(instance_name_is_valid(&name));
    memset(name.text, 'a', sizeof name.text);
    assert_false(instance_name_is_valid(&name));
}

static struct instance_stack good_stack(void)
{
    return (struct instance_stack){
        .config_generation = 1,
        .n_layers = 2,
        .layers = { { 2, 5 }, { 1, 1 } },
        .port = 27015,
    };
}

static void test_every_field_of_a_stack_has_a_range(void **state)
{
    struct instance_stack good = good_stack();
    struct error          err = { 0 };

    (void)state;
    assert_int_equal(instance_stack_check(&good, &err), 0);

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct instance_stack s = good_stack();                                                    \
        change;                                                                                    \
        assert_int_equal(instance_stack_check(&s, &err), -1);                                      \
        assert_int_equal(err.kind, ERROR_INVALID);                                                 \
    } while (0)
    REFUSED(s.config_generation = 0);
    REFUSED(s.config_generation = 0x80000000u);
    REFUSED(s.n_layers = 0);
    REFUSED(s.n_layers = STACK_LAYERS_MAX + 1);
    REFUSED(s.n_layers = UINT32_MAX);
    REFUSED(s.n_layers = 3);
    REFUSED(s.layers[0].overlay = 0);
    REFUSED(s.layers[0].overlay = 0xffffffffu);
    REFUSED(s.layers[1].generation = 0);
    REFUSED(s.layers[0].overlay = 1); // twice
    REFUSED(s.layers[2].generation = 1);
    REFUSED(s.layers[STACK_LAYERS_MAX - 1].overlay = 9);
    REFUSED(s.port = 0);
    REFUSED(s.port = 80);
    REFUSED(s.tv_port = 27015);
    REFUSED(s.client_port = 27015);
    REFUSED(s.tv_port = s.client_port = 27020);
    REFUSED(s.tv_port = 22);
    REFUSED(s.zero = 1);
    REFUSED(s.limits.memory_bytes = 1);
    REFUSED(s.limits.memory_bytes = UINT64_MAX);
    REFUSED(s.limits.cpu_percent = LIMIT_CPU_PERCENT_MAX + 1);
    REFUSED(s.limits.tasks = 1);
    REFUSED(s.limits.tasks = LIMIT_TASKS_MAX + 1);
}

static void test_numbers_as_names(void **state)
{
    static const char *const refused[] = { "", "0", "01", "-1", "2147483648", "1a", "a", "1/2" };
    struct error             err = { 0 };
    uint32_t                 value = 0;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(refused); i++)
        assert_int_equal(number_name_parse(&value, refused[i], &err), -1);
    assert_int_equal(number_name_parse(&value, "2147483647", &err), 0);
    assert_int_equal(value, NUMBER_MAX);
}

static void test_log_requests(void **state)
{
    static const struct {
        const char        *what;
        struct log_request request;
        size_t             n_bytes;
        bool               is_valid;
    } cases[] = {
#define LOG(...) { PROTOCOL_MAGIC, __VA_ARGS__ }
        { "ten lines", LOG(LOG_SERVER, 10, 0, 0, { "a" }), sizeof(struct log_request), true },
        { "as many as there may be", LOG(LOG_MOUNT, LOG_LINES_MAX, LOG_FOLLOW, 0, { "a" }),
          sizeof(struct log_request), true },
        { "one more", LOG(LOG_MOUNT, LOG_LINES_MAX + 1, LOG_FOLLOW, 0, { "a" }),
          sizeof(struct log_request), false },
        { "since", LOG(LOG_SERVER, 0, LOG_ALL_RUNS, 1, { "a" }), sizeof(struct log_request), true },
        { "since, of one run", LOG(LOG_SERVER, 0, 0, 1, { "a" }), sizeof(struct log_request),
          false },
        { "since, and lines", LOG(LOG_SERVER, 1, LOG_ALL_RUNS, 1, { "a" }),
          sizeof(struct log_request), false },
        { "an unknown flag", LOG(LOG_SERVER, 1, 4, 0, { "a" }), sizeof(struct log_request), false },
        { "no source", LOG(0, 1, 0, 0, { "a" }), sizeof(struct log_request), false },
        { "an unknown source", LOG(LOG_SOURCE_COUNT, 1, 0, 0, { "a" }), sizeof(struct log_request),
          false },
        { "a build", LOG(LOG_UPDATE, 1, 0, 0, { "12" }), sizeof(struct log_request), true },
        { "a build by name", LOG(LOG_PUBLISH, 1, 0, 0, { "a" }), sizeof(struct log_request),
          false },
        { "of a script", LOG(LOG_SCRIPT, 1, 0, 0, { "12" }), sizeof(struct log_request), true },
        { "of a list", LOG(LOG_WORKSHOP, 1, 0, 0, { "2147483647" }), sizeof(struct log_request),
          true },
        { "of a tree", LOG(LOG_FILES, 1, 0, 0, { "1" }), sizeof(struct log_request), true },
        { "of a script by name", LOG(LOG_SCRIPT, 1, 0, 0, { "a" }), sizeof(struct log_request),
          false },
        { "of a list with a zero in front", LOG(LOG_WORKSHOP, 1, 0, 0, { "01" }),
          sizeof(struct log_request), false },
        { "of a tree too high", LOG(LOG_FILES, 1, 0, 0, { "2147483648" }),
          sizeof(struct log_request), false },
        { "a server with a number for a name", LOG(LOG_SERVER, 1, 0, 0, { "01" }),
          sizeof(struct log_request), true },
        { "a bad name", LOG(LOG_SERVER, 1, 0, 0, { "../a" }), sizeof(struct log_request), false },
        { "one byte less", LOG(LOG_SERVER, 1, 0, 0, { "a" }), sizeof(struct log_request) - 1,
          false },
        { "another magic", { 1, LOG_SERVER, 1, 0, 0, { "a" } }, sizeof(struct log_request), false },
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if ((log_request_check(&cases[i].request, cases[i].n_bytes, &err) == 0) !=
            cases[i].is_valid)
            fail_msg("%s", cases[i].what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_requests),
        cmocka_unit_test(test_instance_names),
        cmocka_unit_test(test_names_must_be_padded_with_zeros),
        cmocka_unit_test(test_every_field_of_a_stack_has_a_range),
        cmocka_unit_test(test_numbers_as_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
