// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "private-dirs.h"
#include "priv/specfile.h"

#define COUNTER   PROTOCOL_HOST_DIR "/build-counter"
#define INSTANCES PROTOCOL_HOST_DIR "/instances"
#define BUILDS    PROTOCOL_HOST_DIR "/builds"

static void put(const char *path, const void *bytes, size_t n)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
}

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

// Everybody may read it, and nothing was left beside it.
static void assert_one_file(const char *dir, const char *name)
{
    AUTO_FD     dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    char        tmp[64];

    assert_return_code(dir_fd, errno);
    assert_return_code(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), errno);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    snprintf(tmp, sizeof tmp, ".%s.tmp", name);
    assert_int_equal(faccessat(dir_fd, tmp, F_OK, 0), -1);
}

static void test_an_instance(void **state)
{
    struct instance_spec spec = good_instance(), read;
    struct error         err = { 0 };

    (void)state;
    assert_int_equal(specfile_read_instance(&read, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "nothing has been applied to this instance yet");
    for (spec.revision = 1; spec.revision < 3; spec.revision++) { // new, and in place of another
        assert_int_equal(specfile_write_instance(&spec, &err), 0);
        assert_one_file(INSTANCES, "alpha");
        assert_int_equal(specfile_read_instance(&read, "alpha", &err), 0);
        assert_memory_equal(&read, &spec, sizeof spec);
    }
    put(INSTANCES "/alpha", &spec, 9);
    assert_int_equal(specfile_read_instance(&read, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(specfile_write_instance(&spec, &err), 0); // repairs it
    assert_int_equal(specfile_read_instance(&read, "alpha", &err), 0);
    for (int round = 0; round < 2; round++) // absent is success
        assert_int_equal(specfile_remove_instance("alpha", &err), 0);
    assert_int_equal(specfile_read_instance(&read, "alpha", &err), -1);
}

static void test_a_build(void **state)
{
    struct build_spec spec = { PROTOCOL_MAGIC,    sizeof spec, 7, BUILD_UPDATE, 1, 3, 7, 2,
                               OUTPUT_MAX_DEFAULT },
                      read;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(specfile_read_build(&read, "7", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "there is no such build");
    assert_int_equal(specfile_write_build(&spec, &err), 0);
    assert_one_file(BUILDS, "7");
    assert_int_equal(specfile_read_build(&read, "7", &err), 0);
    assert_memory_equal(&read, &spec, sizeof spec);
    for (int round = 0; round < 2; round++)
        assert_int_equal(specfile_remove_build(7, &err), 0);
    assert_int_equal(specfile_read_build(&read, "7", &err), -1);
}

static void test_a_record(void **state)
{
    struct instance_spec spec = good_instance();
    struct error         err = { 0 };

    (void)state;
    assert_false(specfile_has_record("alpha"));
    assert_int_equal(specfile_write_record(&spec, &err), 0);
    assert_one_file(PROTOCOL_MOUNTED_DIR, "alpha");
    assert_true(specfile_has_record("alpha"));
    assert_false(specfile_has_record("alph"));
    for (int round = 0; round < 2; round++)
        assert_int_equal(specfile_remove_record("alpha", &err), 0);
    assert_false(specfile_has_record("alpha"));
    assert_return_code(symlink("nowhere", PROTOCOL_MOUNTED_DIR "/alpha"), errno);
    assert_true(specfile_has_record("alpha")); // whatever it is
    assert_int_equal(specfile_remove_record("alpha", &err), 0);
    assert_return_code(rmdir(PROTOCOL_MOUNTED_DIR), errno);
    assert_true(specfile_has_record("alpha")); // what cannot be seen
    assert_return_code(mkdir(PROTOCOL_MOUNTED_DIR, 0755), errno);
}

static void test_build_numbers(void **state)
{
    static const uint32_t last = NUMBER_MAX - 1;
    struct error          err = { 0 };
    uint32_t              number = 0;

    (void)state;
    for (uint32_t want = 1; want < 4; want++) {
        assert_int_equal(specfile_next_build(&number, &err), 0);
        assert_int_equal(number, want);
    }
    put(COUNTER, &last, sizeof last);
    assert_int_equal(specfile_next_build(&number, &err), 0);
    assert_int_equal(number, NUMBER_MAX);
    assert_int_equal(specfile_next_build(&number, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);

    // One that is damaged is no reason to begin again: numbers are never given twice.
    for (size_t n = 0; n < sizeof last; n++) {
        put(COUNTER, &last, n);
        assert_int_equal(specfile_next_build(&number, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    put(COUNTER, "12345", 5);
    assert_int_equal(specfile_next_build(&number, &err), -1);
    assert_int_equal(number, NUMBER_MAX); // written only on success
    assert_return_code(unlink(COUNTER), errno);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance),
        cmocka_unit_test(test_a_build),
        cmocka_unit_test(test_a_record),
        cmocka_unit_test(test_build_numbers),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-specfile needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
