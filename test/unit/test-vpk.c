// SPDX-License-Identifier: MIT
#include "pak/vpk.h"
#include "vpk-maker.h"

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

// --- paths ------------------------------------------------------------------------------------

static void maker_donep(struct maker *maker)
{
    maker_done(maker);
}

static int parse_made(struct vpk **ret, const struct maker *maker, struct error *err)
{
    struct maker_bytes file = maker_file(maker);

    int r = parse(ret, file.bytes, file.n, err);
    free(file.bytes);
    return r;
}

static void test_hostile_paths(void **state)
{
    static const struct {
        const char *folder, *name, *extension;
        const char *want; // NULL: the archive is refused
    } cases[] = {
        { "dir", "name", "txt", "dir/name.txt" },
        { "dir/sub", "name", " ", "dir/sub/name" },
        { " ", ".", "txt", "..txt" },
        { " ", ".", ".", "..." },
        { " ", " ", ".", NULL },
        { " ", ".", " ", NULL },
        { " ", "..", " ", NULL },
        { "a", "..", " ", NULL },
        { "..", "a", "txt", NULL },
        { ".", "a", "txt", NULL },
        { "a/..", "a", "txt", NULL },
        { "a/../..", "a", "txt", NULL },
        { "a/./b", "a", "txt", NULL },
        { "a//b", "a", "txt", NULL },
        { "a/", "a", "txt", NULL },
        { "/a", "a", "txt", NULL },
        { "a\\..", "a", "txt", NULL },
        { "\\a", "a", "txt", NULL },
        { "\\\\host\\share", "a", "txt", NULL },
        { "a", "b/c", "txt", "a/b/c.txt" },
        { "a", "../b", "txt", NULL },
        { "a", "b/..", " ", NULL },
        { "a", "/b", "txt", NULL },
        { "a", "b", "x/../y", NULL },
        { "a", "b", "x/y", "a/b.x/y" },
        { "c:", "a", "txt", NULL },
        { "C:/windows", "a", "txt", NULL },
        { " ", "c:a", "txt", NULL },
        { " ", "c", ":a", "c.:a" },
        { "a", "c:a", "txt", "a/c:a.txt" },
        { "1:", "a", "txt", "1:/a.txt" },
        { "a\\b", "c\\d", "txt", "a?b/c?d.txt" },
        { "a\n", "b\x7f", "\x01", "a?/b?.?" },
        { "\xc3\xa4", "\xe4", "\xc2\x85", "\xc3\xa4/?.??" },
        { "...", "a", "txt", ".../a.txt" },
        { "a b", "c d", "e f", "a b/c d.e f" },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(maker_donep)
        struct maker maker = { .version = 1 };
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };

        maker_entry(&maker, &(struct maker_entry){ cases[i].extension, cases[i].folder,
                                                   cases[i].name, 7, "", 0, 0, 0, 0 });
        int r = parse_made(&vpk, &maker, &err);
        if (r != (cases[i].want ? 0 : -1))
            fail_msg("case %zu: %s", i, r ? err.message : "was accepted");
        assert_int_equal(err.kind, r ? ERROR_INVALID : ERROR_NONE);
        if (!cases[i].want)
            continue;
        assert_string_equal(vpk_at(vpk, 0)->path, cases[i].want);
        assert_int_equal(vpk_at(vpk, 0)->crc32, 7);
        assert_ptr_equal(vpk_find(vpk, cases[i].want), vpk_at(vpk, 0));
    }
}

// An entry whose path has `n` bytes, all but five of them in the folder or in the name.
static int parse_long(size_t n, bool is_folder, struct error *err)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    char        part[1024];

    memset(part, 'a', sizeof part);
    part[n - 5] = '\0';
    maker_entry(&maker, &(struct maker_entry){ is_folder ? "tx" : "txt", is_folder ? part : "b",
                                               is_folder ? "b" : part + 1, 0, "", 0, 0, 0, 0 });
    int r = parse_made(&vpk, &maker, err);
    if (r == 0)
        assert_int_equal(strlen(vpk_at(vpk, 0)->path), n);
    return r;
}

static void test_long_paths(void **state)
{
    struct error err = { 0 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(parse_long(VPK_PATH_MAX - 1, i, &err), 0);
        assert_int_equal(parse_long(VPK_PATH_MAX, i, &err), -1);
        assert_int_equal(parse_long(2 * VPK_PATH_MAX - 1, i, &err), -1);
        assert_string_equal(err.message, "a path in the archive is longer than 511 bytes");
    }
}

// Paths that are not UTF-8 may be shown alike, and yet differ.
static void test_paths_that_look_alike(void **state)
{
    static const char *const names[] = { "\xe5", "\xe4", "b", "\xe4\xe4" };
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(names); i++)
        maker_entry(&maker, &(struct maker_entry){ "txt", "\xff", names[i], 0, "", 0, 0, 0, 0 });
    assert_int_equal(parse_made(&vpk, &maker, &err), 0);
    assert_string_equal(vpk_at(vpk, 0)->path, "?/?.txt");
    assert_string_equal(vpk_at(vpk, 1)->path, "?/?.txt");
    assert_string_equal(vpk_at(vpk, 2)->path, "?/??.txt");
    assert_string_equal(vpk_at(vpk, 3)->path, "?/b.txt");
}

// --- order ------------------------------------------------------------------------------------

// Numbers that are always the same.
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void random_word(char *word, size_t n_max, const char *letters, uint32_t *seed)
{
    size_t n = 1 + next_random(seed) % n_max;

    for (size_t i = 0; i < n; i++)
        word[i] = letters[next_random(seed) % strlen(letters)];
    word[n] = '\0';
}

static void check_order(const struct vpk *vpk)
{
    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const char *path = vpk_at(vpk, i)->path;
        if (i && strcmp(vpk_at(vpk, i - 1)->path, path) > 0)
            fail_msg("'%s' before '%s'", vpk_at(vpk, i - 1)->path, path);
        assert_string_equal(vpk_find(vpk, path)->path, path);
        size_t at = vpk_seek(vpk, path);
        assert_true(at <= i && (at == 0 || strcmp(vpk_at(vpk, at - 1)->path, path) < 0));
    }
}

static void test_entries_come_in_order(void **state)
{
    // Letters around the slash and the dot, and with "/" also names that have folders in them.
    static const char *const letters[] = { "ab", "-.0", "a/-", "aaaaaaaab" };
    uint32_t                 seed = 1;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        AUTO(maker_donep)
        struct maker maker = { .version = 1 };
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };
        char         folder[64], name[64], extension[8];

        for (unsigned i = next_random(&seed) % 100; i > 0; i--) {
            const char *from = letters[(round + i % 2) % ELEMENTS(letters)];
            random_word(folder, 20, i % 3 ? "a/b" : from, &seed);
            random_word(name, 20, from, &seed);
            random_word(extension, 3, "xy", &seed);
            struct maker_entry entry = { extension, folder, name, i, "", 0, 0, 0, 0 };
            size_t             n = maker.tree.n;
            maker_entry(&maker, &entry);
            if (parse_made(&vpk, &maker, &err) < 0)
                maker.tree.n = n; // "//" and the like
            vpk = vpk_close(vpk);
        }
        assert_int_equal(parse_made(&vpk, &maker, &err), 0);
        check_order(vpk);
    }
}

static void test_what_begins_with_a_prefix(void **state)
{
    static const char *const paths[] = { "maps/b.bsp", "maps.txt", "maps/a.bsp",
                                         "mapt",       "a",        "maps/a/b" };
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(paths); i++)
        maker_add(&maker, paths[i], "", 0, 0, MAKER_SAME);
    assert_int_equal(parse_made(&vpk, &maker, &err), 0);
    assert_int_equal(vpk_version(vpk), 1);
    assert_int_equal(vpk_seek(vpk, ""), 0);
    assert_int_equal(vpk_seek(vpk, "maps/"), 2);
    assert_string_equal(vpk_at(vpk, 2)->path, "maps/a.bsp");
    assert_int_equal(vpk_seek(vpk, "maps/z"), 5);
    assert_int_equal(vpk_seek(vpk, "z"), 6);
    assert_null(vpk_at(vpk, 6));
}

static void test_limits(void **state)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    struct vpk  *vpk = NULL;
    struct error err = { 0 };
    char         list[32] = "\0\0\0\0\0\0\xff\x7f\0\0\0\0\0\0\0\0\xff\xff";

    (void)state;
    maker_put(&maker.tree, "e\0f", 4); // and all names in one list
    for (uint32_t i = 0; i < VPK_ENTRIES_MAX; i++) {
        char name[16];
        int  n = snprintf(name, sizeof name, "%x", i);
        maker_put(&maker.tree, name, (size_t)n + 1);
        maker_put(&maker.tree, list, 18);
    }
    size_t n = maker.tree.n;
    maker_put(&maker.tree, "\0", 2);
    assert_int_equal(parse_made(&vpk, &maker, &err), 0);
    assert_int_equal(vpk_count(vpk), VPK_ENTRIES_MAX);
    vpk = vpk_close(vpk);

    maker.tree.n = n;
    maker_put(&maker.tree, "z", 2);
    maker_put(&maker.tree, list, 18);
    maker_put(&maker.tree, "\0", 2);
    assert_int_equal(parse_made(&vpk, &maker, &err), -1);
    assert_string_equal(err.message, "more than 262144 entries");

    // A long folder is stored once.
    char folder[501];
    memset(folder, 'f', 500);
    folder[500] = '\0';
    maker.tree.n = 0;
    maker_put(&maker.tree, "e", 2);
    maker_put(&maker.tree, folder, sizeof folder);
    for (uint32_t i = 0; i < VPK_PATHS_MAX / 500; i++) {
        char name[16];
        int  n_name = snprintf(name, sizeof name, "%x", i);
        maker_put(&maker.tree, name, (size_t)n_name + 1);
        maker_put(&maker.tree, list, 18);
    }
    maker_put(&maker.tree, "\0", 2);
    assert_int_equal(parse_made(&vpk, &maker, &err), -1);
    assert_string_equal(err.message, "the paths in the archive are longer than 33554432 bytes");
}

// --- content ----------------------------------------------------------------------------------

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

    maker_write(dir->fd, "one.vpk",
                BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\xff\x7f") "..ello"));
    check_hello(dir->fd, "one.vpk");
    maker_write(dir->fd, "two.vpk",
                BYTES(HEADER_2(OUTSIDE_SIZE) OUTSIDE_TREE("\xff\x7f") "..ello"));
    check_hello(dir->fd, "two.vpk");
    maker_write(dir->fd, "pak_dir.vpk", BYTES(HEADER_1(OUTSIDE_SIZE) OUTSIDE_TREE("\0\0")));
    maker_write(dir->fd, "pak_000.vpk", BYTES("..ello"));
    check_hello(dir->fd, "pak_dir.vpk");
}

static void test_pieces_of_an_entry(void **state)
{
    static const struct {
        uint64_t    offset;
        size_t      n;
        const char *want; // NULL: refused
    } cases[] = {
        { 0, 5, "hello" },     { 0, 0, "" },
        { 0, 1, "h" },         { 1, 1, "e" },
        { 0, 3, "hel" },       { 2, 2, "ll" },
        { 5, 0, "" },          { 1, 4, "ello" },
        { 4, 1, "o" },         { 0, 6, NULL },
        { 5, 1, NULL },        { 6, 0, NULL },
        { 1, 5, NULL },        { UINT64_MAX, 1, NULL },
        { 1, SIZE_MAX, NULL },
    };
    const struct unit_dir *dir = *state;

    for (uint16_t preload = 0; preload <= 5; preload++) {
        AUTO(maker_donep)
        struct maker maker = { .version = 2 };
        AUTO(vpk_closep)
        struct vpk  *vpk = NULL;
        struct error err = { 0 };

        maker_add(&maker, "before.txt", "xx", 2, 0, 1);
        maker_add(&maker, "a.txt", "hello", 5, preload, 1);
        maker_save(&maker, dir->fd, "p_dir.vpk");
        assert_int_equal(vpk_open(&vpk, dir->fd, "p_dir.vpk", &err), 0);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
            char bytes[8] = "";
            int  r = vpk_read_piece(vpk, vpk_find(vpk, "a.txt"), cases[i].offset, (uint8_t *)bytes,
                                    cases[i].n, &err);
            assert_int_equal(r, cases[i].want ? 0 : -1);
            assert_string_equal(bytes, cases[i].want ? cases[i].want : "");
        }
    }
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

        maker_write(dir->fd, cases[i].name, cases[i].bytes, cases[i].n_bytes);
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
    maker_write(dir->fd, "cut.vpk", hello, sizeof hello - 2);
    assert_int_equal(vpk_open(&vpk, dir->fd, "cut.vpk", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_null(vpk);
}

// What is behind the last entry, and what is in a part, may be missing.
static void test_the_end_of_the_data(void **state)
{
    const struct unit_dir *dir = *state;

    for (unsigned version = 1; version <= 2; version++) {
        struct maker maker = { .version = version, .has_others = version == 2 };
        struct error err = { 0 };
        char         want[64];
        maker_add(&maker, "a.txt", "0123456789", 10, 4, MAKER_SAME);
        maker_add(&maker, "far.txt", "of a part", 9, 0, 0);
        maker_add(&maker, "b.txt", "01234567", 8, 0, MAKER_SAME);
        struct maker_bytes whole = maker_file(&maker);
        size_t             end = whole.n - (version == 2 ? 48 : 0);
        for (size_t n = end - maker.data.n; n <= whole.n; n++) {
            AUTO(vpk_closep) struct vpk *vpk = NULL;
            maker_write(dir->fd, "a_dir.vpk", whole.bytes, n);
            assert_int_equal(vpk_open(&vpk, dir->fd, "a_dir.vpk", &err), 0);
            assert_int_equal(vpk_check_end(vpk, &err), n < end ? -1 : 0);
            if (n >= end)
                continue;
            snprintf(want, sizeof want, "the archive is cut off: %zu bytes are missing", end - n);
            assert_int_equal(err.kind, ERROR_INVALID);
            assert_string_equal(err.message, want);
        }
        AUTO(vpk_closep) struct vpk *parsed = NULL;
        assert_int_equal(vpk_parse(&parsed, whole.bytes, whole.n, &err), 0);
        assert_int_equal(vpk_check_end(parsed, &err), -1); // there is no file
        free(whole.bytes);
        maker_done(&maker);
    }
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
        cmocka_unit_test(test_hostile_paths),
        cmocka_unit_test(test_long_paths),
        cmocka_unit_test(test_paths_that_look_alike),
        cmocka_unit_test(test_entries_come_in_order),
        cmocka_unit_test(test_what_begins_with_a_prefix),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wrong_checksum_is_told),
        cmocka_unit_test_setup_teardown(test_pieces_of_an_entry, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_data_in_the_file_and_in_a_part, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_missing_and_short_data_are_told, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_open_refuses_what_is_no_file_of_the_directory,
                                        unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_data, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test(test_crc32_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
