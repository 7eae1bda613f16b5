// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>
#include "private-dirs.h"
#include "priv/specfile.h"

#define INSTANCES PROTOCOL_HOST_DIR "/instances"
#define BUILDS    PROTOCOL_HOST_DIR "/builds"
#define OVERLAYS  PROTOCOL_HOST_DIR "/overlays"
#define EDITS     PROTOCOL_HOST_DIR "/edits"

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

static void test_an_overlay(void **state)
{
    struct overlay_spec spec = { PROTOCOL_MAGIC, sizeof spec, 9, OVERLAY_SCRIPT }, read;
    struct error        err = { 0 };
    uint32_t            n = 77;

    (void)state;
    assert_int_equal(specfile_read_overlay(&read, 9, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "overlay 9 does not exist");
    assert_int_equal(specfile_count_overlays(&n, &err), 0);
    assert_int_equal(n, 0);
    for (spec.type = OVERLAY_SCRIPT; spec.type < OVERLAY_TYPE_COUNT; spec.type++) {
        assert_int_equal(specfile_write_overlay(&spec, &err), 0);
        assert_one_file(OVERLAYS, "9");
        assert_int_equal(specfile_read_overlay(&read, 9, &err), 0);
        assert_memory_equal(&read, &spec, sizeof spec);
        assert_int_equal(specfile_count_overlays(&n, &err), 0);
        assert_int_equal(n, 1);
    }
    put(OVERLAYS "/.9.tmp", "", 0); // counted, whatever it is: it takes a place
    assert_int_equal(specfile_count_overlays(&n, &err), 0);
    assert_int_equal(n, 2);
    assert_return_code(unlink(OVERLAYS "/.9.tmp"), errno);
    put(OVERLAYS "/9", &spec, sizeof spec - 1);
    assert_int_equal(specfile_read_overlay(&read, 9, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    for (int round = 0; round < 2; round++) // absent is success
        assert_int_equal(specfile_remove_overlay(9, &err), 0);
    assert_int_equal(specfile_read_overlay(&read, 9, &err), -1);
    assert_return_code(rmdir(OVERLAYS), errno);
    assert_int_equal(specfile_count_overlays(&n, &err), -1);
    assert_int_equal(specfile_read_overlay(&read, 9, &err), -1);
    assert_string_equal(err.message, "opening " OVERLAYS ": No such file or directory");
    assert_return_code(mkdir(OVERLAYS, 0755), errno);
}

// ---- who has an overlay -------------------------------------------------------------------------

static void put_spec(const char *dir, const char *name, const uint32_t *overlays, uint32_t n)
{
    struct instance_spec spec = good_instance();
    char                 path[96];

    memset(&spec.name, 0, sizeof spec.name);
    snprintf(spec.name.text, sizeof spec.name.text, "%s", name);
    spec.stack.n_layers = n;
    for (uint32_t i = 0; i < n; i++)
        spec.stack.layers[i] = (struct layer_ref){ overlays[i], 4 };
    snprintf(path, sizeof path, "%s/%s", dir, name);
    put(path, &spec, sizeof spec);
}

static void assert_user(uint32_t overlay, const char *want)
{
    struct instance_name name = { "stale" };
    struct error         err = { 0 };

    assert_int_equal(specfile_find_user(&name, overlay, &err), 0);
    assert_true(*name.text == '\0' || instance_name_is_valid(&name));
    assert_string_equal(name.text, want);
}

static void test_who_has_an_overlay(void **state)
{
    static uint32_t many[STACK_LAYERS_MAX];
    struct error    err = { 0 };

    (void)state;
    for (uint32_t i = 0; i < STACK_LAYERS_MAX; i++)
        many[i] = 100 + i;
    assert_user(3, "");
    put_spec(INSTANCES, "few", (const uint32_t[]){ 3, 1 }, 2);
    put_spec(INSTANCES, "many", many, STACK_LAYERS_MAX);
    put_spec(PROTOCOL_MOUNTED_DIR, "runs", (const uint32_t[]){ 5 }, 1);
    assert_user(3, "few");
    assert_user(1, "few");
    assert_user(100, "many");
    assert_user(100 + STACK_LAYERS_MAX - 1, "many");
    assert_user(100 + STACK_LAYERS_MAX, "");
    assert_user(5, "runs");
    assert_user(4, ""); // that is their generation
    put(INSTANCES "/.few.tmp", "half", 4);
    assert_user(6, "");

    // What cannot be read might be the one; but for who has it, the first answer is enough.
    static const char *const dirs[] = { INSTANCES, PROTOCOL_MOUNTED_DIR };
    for (size_t i = 0; i < ELEMENTS(dirs); i++) {
        char                 path[96];
        struct instance_name name;
        snprintf(path, sizeof path, "%s/bad", dirs[i]);
        put(path, "bad", 3);
        assert_int_equal(specfile_find_user(&name, 6, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_return_code(unlink(path), errno);
        snprintf(path, sizeof path, "%s/NO-NAME", dirs[i]);
        put(path, "bad", 3);
        assert_int_equal(specfile_find_user(&name, 6, &err), -1);
        assert_return_code(unlink(path), errno);
        assert_user(6, "");
    }
    put(PROTOCOL_MOUNTED_DIR "/bad", "bad", 3);
    assert_user(3, "few");
    assert_return_code(unlink(PROTOCOL_MOUNTED_DIR "/bad"), errno);
    assert_return_code(unlink(PROTOCOL_MOUNTED_DIR "/runs"), errno);
    assert_return_code(rmdir(PROTOCOL_MOUNTED_DIR), errno);
    struct instance_name name;
    assert_int_equal(specfile_find_user(&name, 5, &err), -1); // who could tell
    assert_return_code(mkdir(PROTOCOL_MOUNTED_DIR, 0755), errno);
    assert_user(5, "");
    assert_return_code(unlink(INSTANCES "/.few.tmp"), errno);
    assert_return_code(unlink(INSTANCES "/few"), errno);
    assert_return_code(unlink(INSTANCES "/many"), errno);
}

// ---- lists --------------------------------------------------------------------------------------

static void test_a_list(void **state)
{
    const int    seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    AUTO_FD      fd = memfd_create("list", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct error err = { 0 };
    char         read[32];

    (void)state;
    assert_int_equal(write(fd, "a\0b/c", 6), 6); // and where it stands now is its end
    assert_int_equal(specfile_copy_edit("alpha", fd, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_return_code(fcntl(fd, F_ADD_SEALS, seals), errno);
    for (int round = 0; round < 2; round++) { // new, and in place of another
        assert_int_equal(specfile_copy_edit("alpha", fd, &err), 0);
        assert_one_file(EDITS, "alpha");
        AUTO_FD copy = open(EDITS "/alpha", O_RDONLY | O_CLOEXEC);
        assert_int_equal(fd_read_up_to(copy, read, sizeof read), 6);
        assert_memory_equal(read, "a\0b/c", 6);
    }
    for (int round = 0; round < 2; round++) // absent is success
        assert_int_equal(specfile_remove_edit("alpha", &err), 0);
    assert_return_code(rmdir(EDITS), errno);
    assert_int_equal(specfile_copy_edit("alpha", fd, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_return_code(mkdir(EDITS, 0755), errno);
}

// ---- numbers ------------------------------------------------------------------------------------

static const struct counter {
    const char *file;
    int (*next)(uint32_t *ret, struct error *err);
    uint32_t first;
} counters[] = {
    { PROTOCOL_HOST_DIR "/build-counter", specfile_next_build, 1 },
    { PROTOCOL_HOST_DIR "/overlay-counter", specfile_next_overlay, GAME_OVERLAY + 1 },
};

static void check_counter(const struct counter *counter)
{
    static const uint32_t last = NUMBER_MAX - 1;
    const uint32_t        too_low = counter->first - 1, too_high = NUMBER_MAX + 1;
    struct error          err = { 0 };
    uint32_t              number = 0;

    for (uint32_t want = counter->first; want < counter->first + 3; want++) {
        assert_int_equal(counter->next(&number, &err), 0);
        assert_int_equal(number, want);
    }
    put(counter->file, &last, sizeof last);
    assert_int_equal(counter->next(&number, &err), 0);
    assert_int_equal(number, NUMBER_MAX);
    assert_int_equal(counter->next(&number, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);
    put(counter->file, &too_high, sizeof too_high);
    assert_int_equal(counter->next(&number, &err), -1);
    assert_int_equal(err.kind, ERROR_FAILED);

    // One that is damaged is no reason to begin again: numbers are never given twice.
    for (size_t n = 0; n < sizeof last; n++) {
        put(counter->file, &last, n);
        assert_int_equal(counter->next(&number, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    put(counter->file, "12345", 5);
    assert_int_equal(counter->next(&number, &err), -1);
    put(counter->file, &too_low, sizeof too_low); // not what was ever handed out
    assert_int_equal(counter->next(&number, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(number, NUMBER_MAX); // written only on success
    assert_return_code(unlink(counter->file), errno);
}

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(counters); i++)
        check_counter(&counters[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance),
        cmocka_unit_test(test_a_build),
        cmocka_unit_test(test_a_record),
        cmocka_unit_test(test_an_overlay),
        cmocka_unit_test(test_who_has_an_overlay),
        cmocka_unit_test(test_a_list),
        cmocka_unit_test(test_numbers),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-specfile needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
