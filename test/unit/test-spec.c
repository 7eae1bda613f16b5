// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "base/spec.h"

static struct instance_spec good_instance(void)
{
    return (struct instance_spec){
        .magic = PROTOCOL_MAGIC,
        .n_bytes = sizeof(struct instance_spec),
        .revision = 1,
        .name = { "alpha" },
        .stack = { .config_generation = 1, .n_layers = 1, .layers = { { 1, 7 } }, .port = 27015 },
    };
}

static struct build_spec good_build(void)
{
    return (struct build_spec){
        .magic = PROTOCOL_MAGIC,
        .n_bytes = sizeof(struct build_spec),
        .build = 7,
        .kind = BUILD_UPDATE,
        .overlay = 1,
        .base_generation = 3,
        .new_generation = 7,
        .keep = 2,
        .output_max_bytes = OUTPUT_MAX_DEFAULT,
    };
}

static struct overlay_spec good_overlay(void)
{
    return (struct overlay_spec){ PROTOCOL_MAGIC, sizeof(struct overlay_spec), 9, OVERLAY_FILES };
}

// Writes the first `n` bytes of two of them, one after the other.
static void write_file(int dir_fd, const char *name, const void *spec, size_t size, size_t n)
{
    AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, spec, MIN(n, size)), MIN(n, size));
    if (n > size)
        assert_int_equal(write(fd, spec, n - size), n - size);
}

static void test_whole_files_are_read(void **state)
{
    struct unit_dir     *dir = *state;
    struct instance_spec instance = good_instance(), read_instance;
    struct build_spec    build = good_build(), read_build;
    struct error         err = { 0 };

    write_file(dir->fd, "alpha", &instance, sizeof instance, sizeof instance);
    assert_int_equal(spec_read_instance(&read_instance, dir->fd, "alpha", &err), 0);
    assert_memory_equal(&read_instance, &instance, sizeof instance);
    write_file(dir->fd, "7", &build, sizeof build, sizeof build);
    assert_int_equal(spec_read_build(&read_build, dir->fd, "7", &err), 0);
    assert_memory_equal(&read_build, &build, sizeof build);
    struct overlay_spec overlay = good_overlay(), read_overlay;
    write_file(dir->fd, "9", &overlay, sizeof overlay, sizeof overlay);
    assert_int_equal(spec_read_overlay(&read_overlay, dir->fd, "9", &err), 0);
    assert_memory_equal(&read_overlay, &overlay, sizeof overlay);
}

// Every length but the right one, the beginning of every file included.
static void test_every_other_size_is_of_another_version(void **state)
{
    struct unit_dir     *dir = *state;
    struct instance_spec instance = good_instance(), untouched = instance;
    struct build_spec    build = good_build();

    for (size_t n = 0; n <= 2 * sizeof instance; n += n < 128 ? 1 : 97) {
        struct error err = { 0 };
        if (n == sizeof instance)
            continue;
        write_file(dir->fd, "alpha", &instance, sizeof instance, n);
        assert_int_equal(spec_read_instance(&untouched, dir->fd, "alpha", &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(err.message, "the spec of 'alpha' was written by another version");
    }
    assert_memory_equal(&untouched, &instance, sizeof instance); // written only on success
    for (size_t n = 0; n <= 2 * sizeof build; n++) {
        struct error err = { 0 };
        write_file(dir->fd, "7", &build, sizeof build, n);
        assert_int_equal(spec_read_build(&build, dir->fd, "7", &err), n == sizeof build ? 0 : -1);
        if (n != sizeof build)
            assert_string_equal(err.message, "the spec of build 7 was written by another version");
    }
    struct overlay_spec overlay = good_overlay(), kept = overlay;
    for (size_t n = 0; n <= 2 * sizeof overlay; n++) {
        struct error err = { 0 };
        write_file(dir->fd, "9", &overlay, sizeof overlay, n);
        assert_int_equal(spec_read_overlay(&kept, dir->fd, "9", &err),
                         n == sizeof overlay ? 0 : -1);
        if (n != sizeof overlay)
            assert_string_equal(err.message,
                                "the spec of overlay 9 was written by another version");
        assert_memory_equal(&kept, &overlay, sizeof overlay);
    }
}

static void test_names_lead_nowhere_else(void **state)
{
    static const struct {
        const char     *name;
        enum error_kind want;
    } cases[] = {
        { "absent", ERROR_NOT_FOUND }, { "", ERROR_INVALID },    { ".", ERROR_INVALID },
        { "..", ERROR_INVALID },       { "dir", ERROR_INVALID }, { "dir/alpha", ERROR_INVALID },
        { "fifo", ERROR_INVALID },     { "link", ERROR_SYSTEM }, { ".alpha.tmp", ERROR_INVALID },
        { "beta", ERROR_INVALID }, // holds the spec of another
    };
    struct unit_dir     *dir = *state;
    struct instance_spec spec = good_instance();

    assert_return_code(mkdirat(dir->fd, "dir", 0755), errno);
    assert_return_code(mkfifoat(dir->fd, "fifo", 0644), errno);
    assert_return_code(symlinkat("alpha", dir->fd, "link"), errno);
    write_file(dir->fd, "alpha", &spec, sizeof spec, sizeof spec);
    write_file(dir->fd, "beta", &spec, sizeof spec, sizeof spec);
    write_file(dir->fd, "dir/alpha", &spec, sizeof spec, sizeof spec);
    write_file(dir->fd, ".alpha.tmp", &spec, sizeof spec, sizeof spec);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        assert_int_equal(spec_read_instance(&spec, dir->fd, cases[i].name, &err), -1);
        if (err.kind != cases[i].want)
            fail_msg("'%s': %u %s", cases[i].name, err.kind, err.message);
    }
}

static void test_builds_and_overlays_have_numbers(void **state)
{
    static const char *const names[] = { "", "0", "07", "7 ", "x", "-7", "2147483648", "dir/7" };
    struct unit_dir         *dir = *state;
    struct build_spec        spec = good_build();
    struct overlay_spec      overlay = good_overlay();

    assert_return_code(mkdirat(dir->fd, "dir", 0755), errno);
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        struct error err = { 0 };
        if (*names[i])
            write_file(dir->fd, names[i], &spec, sizeof spec, sizeof spec);
        assert_int_equal(spec_read_build(&spec, dir->fd, names[i], &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        if (*names[i])
            write_file(dir->fd, names[i], &overlay, sizeof overlay, sizeof overlay);
        err = (struct error){ 0 };
        assert_int_equal(spec_read_overlay(&overlay, dir->fd, names[i], &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    struct error err = { 0 };
    assert_int_equal(spec_read_build(&spec, dir->fd, "8", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    write_file(dir->fd, "8", &spec, sizeof spec, sizeof spec);
    assert_int_equal(spec_read_build(&spec, dir->fd, "8", &err), -1);
    assert_string_equal(err.message, "the spec of build 8 carries the number 7");
    assert_int_equal(spec_read_overlay(&overlay, dir->fd, "10", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    write_file(dir->fd, "10", &overlay, sizeof overlay, sizeof overlay);
    assert_int_equal(spec_read_overlay(&overlay, dir->fd, "10", &err), -1);
    assert_string_equal(err.message, "the spec of overlay 10 carries the number 9");
}

static void test_every_field_of_an_instance_is_checked(void **state)
{
    static const struct instance_name name = { "alpha" };
    struct instance_spec              good = good_instance();
    struct error                      err = { 0 };

    (void)state;
    assert_int_equal(spec_check_instance(&good, &name, &err), 0);
    good.is_unsettled = 1;
    assert_int_equal(spec_check_instance(&good, &name, &err), 0);
#define REFUSED(change, words)                                                                     \
    do {                                                                                           \
        struct instance_spec s = good_instance();                                                  \
        change;                                                                                    \
        assert_int_equal(spec_check_instance(&s, &name, &err), -1);                                \
        assert_int_equal(err.kind, ERROR_INVALID);                                                 \
        assert_non_null(strstr(err.message, words));                                               \
    } while (0)
    REFUSED(s.magic++, "another version");
    REFUSED(s.magic = 0, "another version");
    REFUSED(s.n_bytes--, "another version");
    REFUSED(s.n_bytes = UINT32_MAX, "another version");
    REFUSED(s.name.text[0] = 'b', "another name");
    REFUSED(s.name.text[0] = '\0', "another name");
    REFUSED(s.name.text[6] = 'x', "another name"); // behind its end
    REFUSED(memset(s.name.text, 'a', sizeof s.name.text), "another name");
    REFUSED(s.is_unsettled = 2, "out of range");
    REFUSED(s.zero = 1, "out of range");
    REFUSED(s.stack.n_layers = 0, "the spec of 'alpha': a stack has");
    REFUSED(s.stack.n_layers = UINT32_MAX, "a stack has");
    REFUSED(s.stack.layers[0].generation = 0, "out of range");
    REFUSED(s.stack.port = 1023, "port");
#undef REFUSED
}

static void test_every_field_of_a_build_is_checked(void **state)
{
    struct build_spec good = good_build();
    struct error      err = { 0 };

    (void)state;
    assert_int_equal(spec_check_build(&good, 7, &err), 0);
#define TAKEN(change)                                                                              \
    do {                                                                                           \
        struct build_spec s = good_build();                                                        \
        change;                                                                                    \
        assert_int_equal(spec_check_build(&s, 7, &err), 0);                                        \
    } while (0)
    TAKEN(s.base_generation = 0); // from nothing
    TAKEN(s.base_generation = NUMBER_MAX);
    TAKEN(s.kind = BUILD_COLLECT);
    TAKEN(s.flags = BUILD_FRESH);
    TAKEN(s.flags = BUILD_HOLD);
    TAKEN(s.flags = BUILD_FRESH | BUILD_HOLD);
    TAKEN(s.output_max_bytes = OUTPUT_MAX_MIN);
    TAKEN(s.output_max_bytes = OUTPUT_MAX_MAX);
#undef TAKEN
#define REFUSED(change, words)                                                                     \
    do {                                                                                           \
        struct build_spec s = good_build();                                                        \
        change;                                                                                    \
        assert_int_equal(spec_check_build(&s, 7, &err), -1);                                       \
        assert_int_equal(err.kind, ERROR_INVALID);                                                 \
        assert_non_null(strstr(err.message, words));                                               \
    } while (0)
    REFUSED(s.magic++, "another version");
    REFUSED(s.n_bytes++, "another version");
    REFUSED(s.build = 8, "the number 8");
    REFUSED(s.build = 0, "the number 0");
    REFUSED(s.kind = 0, "out of range");
    REFUSED(s.kind = BUILD_KIND_COUNT, "out of range");
    REFUSED(s.overlay = 0, "out of range");
    REFUSED(s.overlay = NUMBER_MAX + 1, "out of range");
    REFUSED(s.base_generation = NUMBER_MAX + 1, "out of range");
    REFUSED(s.new_generation = 0, "out of range");
    REFUSED(s.new_generation = NUMBER_MAX + 1, "out of range");
    REFUSED(s.keep = 0, "out of range");
    REFUSED(s.flags = 4, "out of range");
    REFUSED(s.flags = UINT32_MAX, "out of range");
    REFUSED(s.zero = 1, "out of range");
    REFUSED(s.output_max_bytes = 0, "out of range");
    REFUSED(s.output_max_bytes = OUTPUT_MAX_MIN - 1, "out of range");
    REFUSED(s.output_max_bytes = OUTPUT_MAX_MAX + 1, "out of range");
    REFUSED(s.output_max_bytes = UINT64_MAX, "out of range");
#undef REFUSED
}

static void test_every_field_of_an_overlay_is_checked(void **state)
{
    struct overlay_spec good = good_overlay();
    struct error        err = { 0 };

    (void)state;
    for (good.type = OVERLAY_SCRIPT; good.type < OVERLAY_TYPE_COUNT; good.type++)
        assert_int_equal(spec_check_overlay(&good, 9, &err), 0);
#define REFUSED(change, number, words)                                                             \
    do {                                                                                           \
        struct overlay_spec s = good_overlay();                                                    \
        change;                                                                                    \
        assert_int_equal(spec_check_overlay(&s, number, &err), -1);                                \
        assert_int_equal(err.kind, ERROR_INVALID);                                                 \
        assert_non_null(strstr(err.message, words));                                               \
    } while (0)
    REFUSED(s.magic++, 9, "another version");
    REFUSED(s.n_bytes--, 9, "another version");
    REFUSED(s.overlay = 8, 9, "carries the number 8");
    REFUSED(s.overlay = 0, 0, "out of range");
    REFUSED(s.overlay = GAME_OVERLAY, GAME_OVERLAY, "out of range"); // has none
    REFUSED(s.overlay = NUMBER_MAX + 1, NUMBER_MAX + 1, "out of range");
    REFUSED(s.type = 0, 9, "out of range");
    REFUSED(s.type = OVERLAY_GAME, 9, "out of range");
    REFUSED(s.type = OVERLAY_TYPE_COUNT, 9, "out of range");
    REFUSED(s.type = UINT32_MAX, 9, "out of range");
#undef REFUSED
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_whole_files_are_read),
        IN_DIR(test_every_other_size_is_of_another_version),
        IN_DIR(test_names_lead_nowhere_else),
        IN_DIR(test_builds_and_overlays_have_numbers),
        cmocka_unit_test(test_every_field_of_an_instance_is_checked),
        cmocka_unit_test(test_every_field_of_a_build_is_checked),
        cmocka_unit_test(test_every_field_of_an_overlay_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
