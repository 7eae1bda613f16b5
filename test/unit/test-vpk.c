// SPDX-License-Identifier: MIT
#include "pak/crc32.h"
#include "pak/vpk.h"
#include "unit.h"

// dir/name.txt with "hello" in the directory itself: its checksum, 5 preloaded bytes, no others.
#define HELLO_CRC "\x86\xa6\x10\x36"
#define ENTRY(crc)                                                                                 \
    crc "\x05\0"                                                                                   \
        "\xff\x7f"                                                                                 \
        "\0\0\0\0"                                                                                 \
        "\0\0\0\0"                                                                                 \
        "\xff\xff"                                                                                 \
        "hello"
#define LIST_END "\0"
#define HELLO_TREE                                                                                 \
    "txt\0"                                                                                        \
    "dir\0"                                                                                        \
    "name\0" ENTRY(HELLO_CRC) LIST_END LIST_END LIST_END
#define HEADER_1(n)                                                                                \
    "\x34\x12\xaa\x55"                                                                             \
    "\x01\0\0\0" n
#define HEADER_2(n)                                                                                \
    "\x34\x12\xaa\x55"                                                                             \
    "\x02\0\0\0" n "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define HELLO_SIZE "\x27\0\0\0"
_Static_assert(sizeof HELLO_TREE - 1 == 0x27, "the header says how long the tree is");

static const uint8_t hello[] = HEADER_1(HELLO_SIZE) HELLO_TREE;

// Parses an exact copy, so that a sanitizer sees a read behind it.
static int parse(struct vpk **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    AUTO(freep)
    uint8_t *copy = malloc(n_bytes + !n_bytes);

    memcpy(copy, bytes, n_bytes);
    return vpk_parse(ret, copy, n_bytes, err);
}

static void test_every_malformed_directory_is_refused(void **state)
{
    static const struct {
        const char    *name;
        const uint8_t *bytes;
        size_t         n_bytes;
    } cases[] = {
        { "empty", BYTES("") },
        { "wrong signature", BYTES("\x34\x12\xaa\x56\x01\0\0\0\x01\0\0\0\0") },
        { "version 0", BYTES("\x34\x12\xaa\x55\0\0\0\0\x01\0\0\0\0") },
        { "version 3", BYTES("\x34\x12\xaa\x55\x03\0\0\0\x01\0\0\0\0") },
        { "version 2 with a short header", BYTES("\x34\x12\xaa\x55\x02\0\0\0\x01\0\0\0\0") },
        { "directory longer than the file", BYTES(HEADER_1("\x02\0\0\0") "\0") },
        { "directory beyond the limit", BYTES(HEADER_1("\xff\xff\xff\xff") "\0") },
        { "directory without an end", BYTES(HEADER_1("\0\0\0\0")) },
        { "list of folders without an end", BYTES(HEADER_1("\x04\0\0\0") "txt\0") },
        { "entry that is not terminated", BYTES(HEADER_1(HELLO_SIZE) "txt\0"
                                                                     "dir\0"
                                                                     "name\0" HELLO_CRC "\x05\0"
                                                                     "\xff\x7f"
                                                                     "\0\0\0\0"
                                                                     "\0\0\0\0"
                                                                     "\xff\xfe"
                                                                     "hello"
                                                                     "\0\0\0") },
        { "preloaded bytes beyond the directory",
          BYTES(HEADER_1("\x1f\0\0\0") "txt\0"
                                       "dir\0"
                                       "name\0" HELLO_CRC "\xff\xff"
                                       "\xff\x7f"
                                       "\0\0\0\0"
                                       "\0\0\0\0"
                                       "\xff\xff") },
        { "folder that leaves the archive",
          BYTES(HEADER_1(HELLO_SIZE) "txt\0"
                                     "../\0"
                                     "name\0" ENTRY(HELLO_CRC) "\0\0\0") },
        { "folder that is absolute",
          BYTES(HEADER_1(HELLO_SIZE) "txt\0"
                                     "/di\0"
                                     "name\0" ENTRY(HELLO_CRC) "\0\0\0") },
        { "folder with a backslash way out",
          BYTES(HEADER_1("\x28\0\0\0") "txt\0"
                                       "..\\a\0"
                                       "name\0" ENTRY(HELLO_CRC) "\0\0\0") },
        { "entry without any name", BYTES(HEADER_1("\x20\0\0\0") " \0"
                                                                 " \0"
                                                                 " \0" ENTRY(HELLO_CRC) "\0\0\0") },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        struct vpk  *vpk = NULL;

        if (parse(&vpk, cases[i].bytes, cases[i].n_bytes, &err) == 0)
            fail_msg("%s: was accepted", cases[i].name);
        assert_null(vpk);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof hello - 1; n++) {
        struct error err = { 0 };
        struct vpk  *vpk = NULL;

        assert_int_equal(parse(&vpk, hello, n, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_preloaded_entry_is_found_and_read(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
    } cases[] = {
        { hello, sizeof hello - 1 },
        { BYTES(HEADER_2(HELLO_SIZE) HELLO_TREE) },
        { BYTES(HEADER_1(HELLO_SIZE) HELLO_TREE "what is behind the directory") },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };
        uint8_t      bytes[5];

        assert_int_equal(parse(&vpk, cases[i].bytes, cases[i].n_bytes, &err), 0);
        assert_int_equal(vpk_count(vpk), 1);
        assert_string_equal(vpk_at(vpk, 0)->path, "dir/name.txt");
        assert_null(vpk_at(vpk, 1));
        assert_null(vpk_find(vpk, "dir/name"));
        const struct vpk_entry *entry = vpk_find(vpk, "dir/name.txt");
        assert_non_null(entry);
        assert_int_equal(entry->size, 5);
        assert_int_equal(vpk_read(vpk, entry, bytes, &err), 0);
        assert_memory_equal(bytes, "hello", 5);
    }
}

static void test_empty_archive_and_odd_names(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        const char    *path; // of the only entry; NULL: none
    } cases[] = {
        { BYTES(HEADER_1("\x01\0\0\0") "\0"), NULL },
        { BYTES(HEADER_1("\x23\0\0\0") " \0"
                                       " \0"
                                       "name\0" ENTRY(HELLO_CRC) "\0\0\0"),
          "name" },
        { BYTES(HEADER_1("\x22\0\0\0") "txt\0"
                                       " \0"
                                       " \0" ENTRY(HELLO_CRC) "\0\0\0"),
          ".txt" },
        { BYTES(HEADER_1("\x25\0\0\0") "txt\0"
                                       " \0"
                                       "\xc3\xa4\xe4\n\0" ENTRY(HELLO_CRC) "\0\0\0"),
          "\xc3\xa4??.txt" },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };

        assert_int_equal(parse(&vpk, cases[i].bytes, cases[i].n_bytes, &err), 0);
        assert_int_equal(vpk_count(vpk), cases[i].path ? 1 : 0);
        assert_null(vpk_find(vpk, "nothing"));
        if (cases[i].path)
            assert_string_equal(vpk_at(vpk, 0)->path, cases[i].path);
    }
}

static void test_wrong_checksum_is_told(void **state)
{
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err = { 0 };
    uint8_t      bytes[5];

    (void)state;
    assert_int_equal(parse(&vpk,
                           BYTES(HEADER_1(HELLO_SIZE) "txt\0"
                                                      "dir\0"
                                                      "name\0" ENTRY("\0\0\0\0") "\0\0\0"),
                           &err),
                     0);
    assert_int_equal(vpk_read(vpk, vpk_at(vpk, 0), bytes, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

// --- files ------------------------------------------------------------------------------------

// name.txt: one byte preloaded, four in part 0 or, with "\xff\x7f", behind the directory.
#define OUTSIDE_TREE(part)                                                                         \
    "txt\0"                                                                                        \
    " \0"                                                                                          \
    "name\0" HELLO_CRC "\x01\0" part "\x02\0\0\0"                                                  \
    "\x04\0\0\0"                                                                                   \
    "\xff\xff"                                                                                     \
    "h"                                                                                            \
    "\0\0\0"
#define OUTSIDE_SIZE "\x21\0\0\0"
_Static_assert(sizeof OUTSIDE_TREE("\0\0") - 1 == 0x21, "the header says how long the tree is");

static void write_file(int dir_fd, const char *name, const uint8_t *bytes, size_t n_bytes)
{
    struct error err;
    AUTO_FD      fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes, n_bytes, &err), 0);
}

static void check_hello(int dir_fd, const char *name)
{
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err = { 0 };
    uint8_t      bytes[5];

    assert_int_equal(vpk_open(&vpk, dir_fd, name, &err), 0);
    assert_int_equal(vpk_read(vpk, vpk_find(vpk, "name.txt"), bytes, &err), 0);
    assert_memory_equal(bytes, "hello", 5);
}

static void test_data_in_the_file_and_in_a_part(void **state)
{
    const struct unit_dir *dir = *state;

    write_file(dir->fd, "one.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\xff\x7f") "..ello"));
    check_hello(dir->fd, "one.vpk");
    write_file(dir->fd, "two.vpk", BYTES(HEADER_2(OUTSIDE_SIZE) OUTSIDE_TREE("\xff\x7f") "..ello"));
    check_hello(dir->fd, "two.vpk");
    write_file(dir->fd, "pak_dir.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\0\0")));
    write_file(dir->fd, "pak_000.vpk", BYTES("..ello"));
    check_hello(dir->fd, "pak_dir.vpk");
}

static void test_missing_and_short_data_are_told(void **state)
{
    static const struct {
        const char     *name;
        const uint8_t  *bytes;
        size_t          n_bytes;
        enum error_kind want;
    } cases[] = {
        { "short.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\xff\x7f") "..el"),
          ERROR_INVALID },
        { "single.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\0\0")), ERROR_INVALID },
        { "pak_dir.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\x07\0")), ERROR_NOT_FOUND },
    };
    const struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };
        uint8_t      bytes[5];

        write_file(dir->fd, cases[i].name, cases[i].bytes, cases[i].n_bytes);
        assert_int_equal(vpk_open(&vpk, dir->fd, cases[i].name, &err), 0);
        assert_int_equal(vpk_read(vpk, vpk_at(vpk, 0), bytes, &err), -1);
        assert_int_equal(err.kind, cases[i].want);
    }
}

static void test_open_refuses_what_is_no_file_of_the_directory(void **state)
{
    const struct unit_dir *dir = *state;
    struct error           err = { 0 };
    struct vpk            *vpk = NULL;

    assert_int_equal(vpk_open(&vpk, dir->fd, "none.vpk", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(vpk_open(&vpk, dir->fd, "../one.vpk", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(symlinkat("one.vpk", dir->fd, "link.vpk"), 0);
    assert_int_equal(vpk_open(&vpk, dir->fd, "link.vpk", &err), -1);
    assert_int_equal(mkfifoat(dir->fd, "fifo.vpk", 0644), 0);
    assert_int_equal(vpk_open(&vpk, dir->fd, "fifo.vpk", &err), -1);
    write_file(dir->fd, "cut.vpk", hello, sizeof hello - 2);
    assert_int_equal(vpk_open(&vpk, dir->fd, "cut.vpk", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_null(vpk);
}

static void test_crc32_goes_on(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "", 0), 0);
    assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_malformed_directory_is_refused),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_preloaded_entry_is_found_and_read),
        cmocka_unit_test(test_empty_archive_and_odd_names),
        cmocka_unit_test(test_wrong_checksum_is_told),
        cmocka_unit_test_setup_teardown(test_data_in_the_file_and_in_a_part, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_missing_and_short_data_are_told, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_open_refuses_what_is_no_file_of_the_directory,
                                        unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_crc32_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
