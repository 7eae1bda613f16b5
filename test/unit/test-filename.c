// SPDX-License-Identifier: MIT
#include "unit.h"

#include "files/filename.h"

#define TEN     "0123456789"
#define FIFTY   TEN TEN TEN TEN TEN
#define NAME255 FIFTY FIFTY FIFTY FIFTY FIFTY "01234"
#define DEEP32  "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"

// What may be made, and what may be looked up.
static const struct {
    const char *path;
    bool        may_be_made, may_be_there;
} paths[] = {
    { "a", true, true },
    { "cfg/server.cfg", true, true },
    { "...", true, true },
    { "a b/ü.txt", true, true },
    { ".hidden", true, true },
    { "\xf0\x9f\x8e\xae", true, true },
    { NAME255, true, true },
    { NAME255 "5", false, false },
    { DEEP32, true, true },
    { DEEP32 "/a", false, false },
    { "", false, false },
    { "/", false, false },
    { "/a", false, false },
    { "a/", false, false },
    { "a//b", false, false },
    { ".", false, false },
    { "..", false, false },
    { "a/./b", false, false },
    { "a/../b", false, false },
    { "a\nb", false, true },
    { "a\x7f", false, true },
    { "a\xc2\x85", false, true }, // NEL, a control character of Latin-1
    { "a\xff", false, true },
    { "a\xc3", false, true },
    { "\xed\xa0\x80", false, true }, // half of a pair of surrogates
    { ".left4me", false, true },
    { "a/.left4me-x", false, true },
    { ".left4m", true, true },
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        struct error err = { 0 };
        if ((filename_check(paths[i].path, &err) == 0) != paths[i].may_be_made ||
            (filename_check_old(paths[i].path, &err) == 0) != paths[i].may_be_there)
            fail_msg("%s: %s", paths[i].path, err.message);
    }
}

static void test_the_length_of_a_path_is_limited(void **state)
{
    struct error err = { 0 };
    char         path[FILENAME_PATH_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 200 == 199 ? '/' : 'a';
    path[FILENAME_PATH_MAX + 1] = '\0';
    assert_int_equal(filename_check(path, &err), -1);
    assert_non_null(strstr(err.message, "1024 bytes"));
    path[FILENAME_PATH_MAX] = '\0';
    assert_int_equal(filename_check(path, &err), 0);
}

static const struct {
    const char *path, *want; // a part of it; NULL: nothing is said
} warnings[] = {
    { "addons/map.vpk", NULL },
    { "a?", "Windows does not allow" },
    { "a:b", "Windows does not allow" },
    { "dir/a\\b", "Windows does not allow" },
    { "dir./a", "ends with a dot" },
    { "a ", "ends with a dot or a space" },
    { "con", "a device" },
    { "x/Nul.txt", "a device" },
    { "COM1", "a device" },
    { "com0", NULL },
    { "com10", NULL },
    { "lpt9.cfg", "a device" },
    { "console", NULL },
    { "ü", "not ASCII" },
};

static void test_warnings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(warnings); i++) {
        const char *said = filename_warning(warnings[i].path);
        if (!said != !warnings[i].want || (said && !strstr(said, warnings[i].want)))
            fail_msg("%s: %s", warnings[i].path, said ? said : "nothing");
    }
}

static const struct {
    const char           *bytes;
    enum filename_charset charset;
    const char           *want; // the path, or a part of what is said against it after '!'
} names[] = {
    { "cfg/server.cfg", FILENAME_CP437, "cfg/server.cfg" },
    { "cfg\\server.cfg", FILENAME_CP437, "cfg/server.cfg" },
    { "./a//b/./c/", FILENAME_CP437, "a/b/c" },
    { ".", FILENAME_CP437, "" },
    { "./", FILENAME_CP437, "" },
    { "\xc3\xbc", FILENAME_CP437, "ü" },
    { "\x81", FILENAME_CP437, "ü" },
    { "\xfc", FILENAME_CP1252, "ü" },
    { "\x80\x9f", FILENAME_CP1252, "€Ÿ" },
    { "\x81", FILENAME_CP1252, "\xef\xbf\xbd" },
    { "\xe1\xff", FILENAME_CP437, "ß\xc2\xa0" },
    { "dir\\\xe4.txt", FILENAME_CP1252, "dir/ä.txt" },
    { "/etc/passwd", FILENAME_CP437, "!'/etc/passwd' of the archive is an absolute path" },
    { "\\etc", FILENAME_CP437, "!absolute" },
    { "C:\\x", FILENAME_CP437, "!absolute" },
    { "c:", FILENAME_CP437, "!absolute" },
    { "c:x", FILENAME_CP437, "c:x" },
    { "..", FILENAME_CP437, "!leads out" },
    { "a/../../b", FILENAME_CP437, "!'a/../../b' of the archive leads out" },
    { "a\\..\\b", FILENAME_CP437, "!leads out" },
    { "a/.//../b", FILENAME_CP437, "!leads out" },
    { "a\nb", FILENAME_CP437, "!control characters" },
    { "", FILENAME_CP437, "!without a name" },
    { ".left4me-x/a", FILENAME_CP437, "!reserved" },
    { DEEP32 "/a", FILENAME_CP437, "!too deep" },
    { "./" DEEP32 "/", FILENAME_CP437, DEEP32 },
};

static void test_names_of_archives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        struct error err = { 0 };
        char         path[FILENAME_PATH_MAX + 1] = "?";
        int          r = filename_from_archive(path, names[i].bytes, strlen(names[i].bytes),
                                               names[i].charset, &err);
        bool is_fine = names[i].want[0] == '!' ? r < 0 && strstr(err.message, names[i].want + 1)
                                               : r == 0 && strcmp(path, names[i].want) == 0;
        if (!is_fine)
            fail_msg("row %zu, '%s': '%s' %s", i, names[i].bytes, path, err.message);
    }
    struct error err = { 0 };
    char         path[FILENAME_PATH_MAX + 1];
    assert_int_equal(filename_from_archive(path, "a\0b", 3, FILENAME_CP437, &err), -1);
    assert_non_null(strstr(err.message, "NUL"));
}

// What is taken out does not count, up to a limit; what stays does.
static void test_long_names_of_archives(void **state)
{
    static char  bytes[4 * FILENAME_PATH_MAX + 2];
    struct error err = { 0 };
    char         path[FILENAME_PATH_MAX + 1];

    (void)state;
    memset(bytes, '/', sizeof bytes);
    bytes[0] = 'a';
    assert_int_equal(
        filename_from_archive(path, bytes, 4 * FILENAME_PATH_MAX, FILENAME_CP437, &err), 0);
    assert_string_equal(path, "a");
    assert_int_equal(
        filename_from_archive(path, bytes, 4 * FILENAME_PATH_MAX + 1, FILENAME_CP437, &err), -1);
    memset(bytes, 0xb0, 255); // three bytes of UTF-8 each
    assert_int_equal(filename_from_archive(path, bytes, 85, FILENAME_CP437, &err), 0);
    assert_int_equal(strlen(path), 255);
    assert_int_equal(filename_from_archive(path, bytes, 86, FILENAME_CP437, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_the_length_of_a_path_is_limited),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_names_of_archives),
        cmocka_unit_test(test_long_names_of_archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
