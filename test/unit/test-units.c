// SPDX-License-Identifier: MIT

// That all who name a unit name the same one, and that there is such a file.

#include "unit.h"

#include "host/units.h"
#include "priv/unit.h"

static const char *units_dir;

static const struct instance_name alpha = { "alpha" };
static const struct instance_name seven = { "7" };

static const struct {
    enum build_kind kind;
    enum log_source log;
    const char     *prefix; // as those without privilege know it
} builders[] = {
    { BUILD_UPDATE, LOG_UPDATE, UNIT_UPDATE },       { BUILD_SCRIPT, LOG_SCRIPT, UNIT_SCRIPT },
    { BUILD_WORKSHOP, LOG_WORKSHOP, UNIT_WORKSHOP }, { BUILD_FILES, LOG_FILES, UNIT_FILES },
    { BUILD_SELECT, LOG_PUBLISH, UNIT_PUBLISH },     { BUILD_COLLECT, LOG_PUBLISH, UNIT_PUBLISH },
};

static void assert_name(struct unit_name unit, const char *prefix, const char *name)
{
    char want[UNIT_NAME_MAX];

    snprintf(want, sizeof want, "%s%s.service", prefix, name);
    assert_string_equal(unit.text, want);
}

// What is in units/PREFIX.service.
static char *read_unit(const char *prefix)
{
    AUTO_FD      fd = open(units_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct error err = { 0 };
    char         file[UNIT_NAME_MAX];
    char        *text = NULL;

    snprintf(file, sizeof file, "%s.service", prefix);
    if (fd < 0 || fd_read_file(&text, NULL, fd, file, 65536, &err) < 0)
        fail_msg("%s/%s: %s", units_dir, file, err.message);
    return text;
}

static void assert_says(const char *prefix, const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("%s.service does not say '%s'", prefix, line);
}

static void test_builders(void **state)
{
    unsigned n_own = 0;

    (void)state;
    assert_int_equal(ELEMENTS(builders), BUILD_KIND_COUNT - 1);
    for (size_t i = 0; i < ELEMENTS(builders); i++) {
        assert_int_equal(builders[i].kind, i + 1);
        assert_name(unit_builder(builders[i].kind, 7), builders[i].prefix, "7");
        assert_name(unit_of_log(builders[i].log, &seven), builders[i].prefix, "7");
        bool is_own = strcmp(builders[i].prefix, UNIT_PUBLISH) != 0;
        assert_int_equal(unit_has_builder(builders[i].kind), is_own);
        n_own += is_own;
    }
    assert_int_equal(n_own, 4);
}

static void test_the_others(void **state)
{
    (void)state;
    assert_name(unit_server(&alpha), UNIT_SERVER, "alpha");
    assert_name(unit_of_log(LOG_SERVER, &alpha), UNIT_SERVER, "alpha");
    assert_name(unit_mount(&alpha), UNIT_MOUNT, "alpha");
    assert_name(unit_of_log(LOG_MOUNT, &alpha), UNIT_MOUNT, "alpha");
    assert_name(unit_publish(7), UNIT_PUBLISH, "7");
    assert_name(unit_of_log(LOG_PUBLISH, &seven), UNIT_PUBLISH, "7");
    assert_name(unit_edit(&alpha), "left4me-edit@", "alpha");
    assert_name(unit_build_mount(7), "left4me-build-mount@", "7");
}

static void test_the_longest_names(void **state)
{
    struct instance_name longest = { "" };

    (void)state;
    memset(longest.text, 'x', INSTANCE_NAME_MAX);
    assert_name(unit_server(&longest), UNIT_SERVER, longest.text);
    assert_name(unit_edit(&longest), "left4me-edit@", longest.text);
    for (enum log_source source = LOG_SERVER; source < LOG_SOURCE_COUNT; source++)
        assert_non_null(strstr(unit_of_log(source, &longest).text, "x.service"));
    assert_name(unit_build_mount(NUMBER_MAX), "left4me-build-mount@", "2147483647");
    assert_name(unit_builder(BUILD_WORKSHOP, NUMBER_MAX), UNIT_WORKSHOP, "2147483647");
}

static void test_there_is_such_a_unit(void **state)
{
    static const char *const others[] = { UNIT_SERVER, UNIT_MOUNT, UNIT_PUBLISH, "left4me-edit@",
                                          "left4me-build-mount@" };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(others); i++)
        free(read_unit(others[i]));
    AUTO(freep) char *publish = read_unit(UNIT_PUBLISH);
    for (size_t i = 0; i < ELEMENTS(builders); i++) {
        if (!unit_has_builder(builders[i].kind))
            continue;
        // Whoever else has died, what was built is published, and not before it has ended. The
        // publisher names no builder: it would be loaded for each build.
        assert_null(strstr(publish, builders[i].prefix));
        AUTO(freep) char *text = read_unit(builders[i].prefix);
        assert_says(builders[i].prefix, text, "OnSuccess=" UNIT_PUBLISH "%i.service\n");
        assert_says(builders[i].prefix, text, "Before=" UNIT_PUBLISH "%i.service\n");
        assert_says(builders[i].prefix, text, "left4me-build-mount@%i.service");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builders),
        cmocka_unit_test(test_the_others),
        cmocka_unit_test(test_the_longest_names),
        cmocka_unit_test(test_there_is_such_a_unit),
    };

    if (argc != 2)
        return EXIT_FAILURE;
    units_dir = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
