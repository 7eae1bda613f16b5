// SPDX-License-Identifier: MIT

// What overlays are made from: their settings, and the texts of scripts and lists.

#include "host-tree.h"

#include <errno.h>
#include <sys/file.h>
#include "host/source.h"

// What the broker makes.
static void make_dir(struct host_tree *tree, uint32_t number)
{
    char path[64];

    snprintf(path, sizeof path, "data/sources/%u", number);
    assert_return_code(mkdirat(tree->dir->fd, path, 0700), errno);
}

static struct source a_source(uint32_t number, const char *name)
{
    struct source source = { .number = number, .type = OVERLAY_SCRIPT };

    snprintf(source.name, sizeof source.name, "%s", name);
    snprintf(source.title, sizeof source.title, "%s", name);
    return source;
}

static void make_source(struct host_tree *tree, uint32_t number, const char *name)
{
    struct source source = a_source(number, name);
    struct error  err = { 0 };

    make_dir(tree, number);
    if (source_save(&source, &tree->paths, &err) < 0)
        fail_msg("%s", err.message);
}

static void assert_same(const struct source *a, const struct source *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->type, b->type);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->server, b->server);
    assert_int_equal(a->keep, b->keep);
    assert_int_equal(a->output_max_bytes, b->output_max_bytes);
    assert_int_equal(a->is_daily, b->is_daily);
}

// ---- names --------------------------------------------------------------------------------------

#define TEN   "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool        is_good;
    } cases[] = {
        { "a", true },          { "maps", true },
        { "1up", true },        { "1-", true },
        { "0x10", true },       { "a-b_c", true },
        { SIXTY "abcd", true }, { SIXTY "abcde", false },
        { "", false },          { "1", false }, // would be a number of another
        { "007", false },       { "18446744073709551616", false },
        { "-a", false },        { "_a", false },
        { "A", false },         { "a b", false },
        { "a/b", false },       { ".", false },
        { "..", false },        { ".a", false },
        { "a.b", false },       { "a\n", false },
        { "\xc3\xa4", false },  { "\x1b[2J", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        if (source_check_name(cases[i].name, &err) != (cases[i].is_good ? 0 : -1))
            fail_msg("'%s': %s", cases[i].name, err.message);
        if (!cases[i].is_good)
            assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_names_are_unique(void **state)
{
    struct host_tree *tree = *state;
    struct source     source, again = a_source(3, "maps");
    struct error      err = { 0 };

    make_source(tree, 2, "maps");
    make_dir(tree, 3);
    assert_int_equal(source_save(&again, &tree->paths, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_string_equal(err.message, "overlay 2 is called 'maps' already");
    assert_int_equal(source_load(&source, &tree->paths, 3, &err), -1);
    again = a_source(3, "game");
    assert_int_equal(source_save(&again, &tree->paths, &err), -1);
    assert_string_equal(err.message, "overlay 1 is called 'game' already");
    again = a_source(3, "maps2");
    assert_int_equal(source_save(&again, &tree->paths, &err), 0);
    assert_int_equal(source_save(&again, &tree->paths, &err), 0); // its own is no other

    again = a_source(2, "mods");
    assert_int_equal(source_save(&again, &tree->paths, &err), 0);
    again = a_source(3, "maps"); // it is free now
    assert_int_equal(source_save(&again, &tree->paths, &err), 0);
    // One that is damaged has none; otherwise nobody could make any.
    unit_write(tree->dir->fd, "data/sources/2/source.json", "damaged");
    again = a_source(3, "mods");
    assert_int_equal(source_save(&again, &tree->paths, &err), 0);
}

// ---- settings -----------------------------------------------------------------------------------

static void test_settings_come_back(void **state)
{
    static const struct source cases[] = {
        { .number = 2,
          .type = OVERLAY_SCRIPT,
          .name = "a",
          .keep = 0,
          .output_max_bytes = 0,
          .is_daily = false },
        { .number = 3,
          .type = OVERLAY_WORKSHOP,
          .name = SIXTY "abcd",
          .keep = KEEP_MAX,
          .output_max_bytes = OUTPUT_MAX_MAX,
          .is_daily = true },
        { .number = 4,
          .type = OVERLAY_FILES,
          .name = "0-0",
          .keep = 1,
          .output_max_bytes = OUTPUT_MAX_MIN,
          .is_daily = false },
        { .number = NUMBER_MAX,
          .type = OVERLAY_FILES,
          .name = "last",
          .keep = 3,
          .output_max_bytes = OUTPUT_MAX_DEFAULT,
          .is_daily = true },
        { .number = 5, .type = OVERLAY_FILES, .server = "first" },
        { .number = 6, .type = OVERLAY_FILES, .server = SIXTY "abcd" },
    };
    struct host_tree *tree = *state;
    struct stat       st;
    char              path[64];

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error  err = { 0 };
        struct source source;
        make_dir(tree, cases[i].number);
        assert_int_equal(source_load(&source, &tree->paths, cases[i].number, &err), -1);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
        assert_non_null(strstr(err.message, "its making was not finished"));
        assert_int_equal(source_save(&cases[i], &tree->paths, &err), 0);
        assert_int_equal(source_load(&source, &tree->paths, cases[i].number, &err), 0);
        assert_same(&source, &cases[i]);
        snprintf(path, sizeof path, "data/sources/%u/source.json", cases[i].number);
        assert_return_code(fstatat(tree->dir->fd, path, &st, AT_SYMLINK_NOFOLLOW), errno);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
    }
}

// What could not be read again is not written: the old settings stay.
static void test_settings_out_of_range_are_not_stored(void **state)
{
    struct host_tree   *tree = *state;
    const struct source good = a_source(2, "maps");
    struct source       read;
    struct error        err = { 0 };

    make_source(tree, 2, "maps");
#define REFUSED(change, want)                                                                      \
    do {                                                                                           \
        struct source s = good;                                                                    \
        change;                                                                                    \
        err = (struct error){ 0 };                                                                 \
        assert_int_equal(source_save(&s, &tree->paths, &err), -1);                                 \
        assert_int_equal(err.kind, want);                                                          \
        assert_int_equal(source_load(&read, &tree->paths, 2, &err), 0);                            \
        assert_same(&read, &good);                                                                 \
    } while (0)
    REFUSED(s.name[0] = '\0', ERROR_INVALID);
    REFUSED(s.name[0] = 'M', ERROR_INVALID);
    REFUSED(strcpy(s.name, "12"), ERROR_INVALID);
    REFUSED(strcpy(s.server, "first"), ERROR_INVALID); // a name as well
    REFUSED((s.name[0] = '\0', strcpy(s.server, "../x")), ERROR_INVALID);
    REFUSED(s.type = 0, ERROR_INVALID);
    REFUSED(s.type = OVERLAY_GAME, ERROR_INVALID);
    REFUSED(s.type = OVERLAY_TYPE_COUNT, ERROR_INVALID);
    REFUSED(s.keep = KEEP_MAX + 1, ERROR_INVALID);
    REFUSED(s.output_max_bytes = 1, ERROR_INVALID); // no build would be started with it
    REFUSED(s.output_max_bytes = OUTPUT_MAX_MIN - 1, ERROR_INVALID);
    REFUSED(s.output_max_bytes = OUTPUT_MAX_MAX + 1, ERROR_INVALID);
    REFUSED(s.output_max_bytes = UINT64_MAX, ERROR_INVALID);
    REFUSED((s.number = 0, s.name[0] = 'x'), ERROR_NOT_FOUND); // what the broker has not made
    REFUSED(s.number = 3, ERROR_EXISTS);
    REFUSED((s.number = 3, s.name[0] = 'x'), ERROR_NOT_FOUND);
    REFUSED(s.number = GAME_OVERLAY, ERROR_DENIED);
#undef REFUSED
}

static void test_the_game_has_settings_of_its_own(void **state)
{
    struct host_tree *tree = *state;
    struct source     source;
    struct error      err = { 0 };

    make_dir(tree, GAME_OVERLAY); // whatever is there
    unit_write(tree->dir->fd, "data/sources/1/source.json", "damaged");
    static const char *const words[] = { "1", "game" };
    for (size_t i = 0; i < ELEMENTS(words); i++) {
        assert_int_equal(source_find(&source, &tree->paths, words[i], &err), 0);
        assert_int_equal(source.number, GAME_OVERLAY);
        assert_int_equal(source.type, OVERLAY_GAME);
        assert_string_equal(source.name, "game");
    }
}

// ---- the file -----------------------------------------------------------------------------------

#define GOOD                                                                                       \
    "{\"name\":\"maps\",\"type\":\"files\",\"keep\":3,\"output_max_bytes\":1048576,\"daily\":"     \
    "true}"

static void test_files_that_are_understood(void **state)
{
    static const char *const cases[] = {
        GOOD,
        "  " GOOD "\n\n",
        "{\"daily\":true,\"output_max_bytes\":1048576,\"keep\":3,\"type\":\"files\",\"name\":"
        "\"maps\"}",
        "{\"name\":\"m\\u0061ps\",\"type\":\"files\",\"keep\":3,\"output_max_bytes\":1048576,"
        "\"daily\":true}",
    };
    const struct source want = { .number = 77,
                                 .type = OVERLAY_FILES,
                                 .name = "maps",
                                 .keep = 3,
                                 .output_max_bytes = 1048576,
                                 .is_daily = true };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct source source = { .number = 77, .name = "stale", .keep = 9 };
        struct error  err = { 0 };
        if (source_parse(&source, cases[i], strlen(cases[i]), &err) < 0)
            fail_msg("%s: %s", cases[i], err.message);
        assert_same(&source, &want);
    }
    for (size_t n = 0; n < strlen(GOOD); n++) {  // each beginning of it
        AUTO(freep) char *copy = malloc(n + !n); // a sanitizer guards its end
        struct source     source = want;
        struct error      err = { 0 };
        memcpy(copy, GOOD, n);
        assert_int_equal(source_parse(&source, copy, n, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_same(&source, &want); // written only on success
    }
}

// `field` is the whole of one, as GOOD has it, or a new one.
#define WITH(name, type, keep, output_max, daily, more)                                            \
    "{\"name\":" name ",\"type\":" type ",\"keep\":" keep ",\"output_max_bytes\":" output_max      \
    ",\"daily\":" daily more "}"

static void test_damaged_files(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "[]",
        "null",
        "\"maps\"",
        GOOD GOOD,
        GOOD "x",
        "[" GOOD "]",
        WITH("null", "\"files\"", "3", "0", "true", ""),
        WITH("7", "\"files\"", "3", "0", "true", ""),
        WITH("\"\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"7\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"../x\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"maps\\u0000x\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"ma\\u001bps\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"ma\xffps\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"" SIXTY "abcde\"", "\"files\"", "3", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ",\"server\":\"first\""),
        WITH("\"\"", "\"files\"", "3", "0", "true", ",\"server\":\"First\""),
        WITH("\"\"", "\"files\"", "3", "0", "true", ",\"server\":\"\""),
        WITH("\"\"", "\"files\"", "3", "0", "true", ",\"server\":7"),
        WITH("\"maps\"", "\"\"", "3", "0", "true", ""),
        WITH("\"maps\"", "\"game\"", "3", "0", "true", ""),
        WITH("\"maps\"", "\"Files\"", "3", "0", "true", ""),
        WITH("\"maps\"", "4", "3", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "-1", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "201", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "4294967296", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "4294967299", "0", "true", ""), // 3, cut off
        WITH("\"maps\"", "\"files\"", "3.0", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "\"3\"", "0", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "-1", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "1", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "1048575", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "17592186044417", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "9223372036854775808", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "1e300", "true", ""),
        WITH("\"maps\"", "\"files\"", "3", "0", "1", ""),
        WITH("\"maps\"", "\"files\"", "3", "0", "\"true\"", ""),
        WITH("\"maps\"", "\"files\"", "3", "0", "null", ""),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ",\"more\":1"),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ",\"keep\":4"),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ",\"\x1b[2J\":1"),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ",\"\\u001b[2J\":1"),
        WITH("\"maps\"", "\"files\"", "3", "0", "true", ","),
        "{\"type\":\"files\",\"keep\":3,\"output_max_bytes\":0,\"daily\":true}",
        "{\"name\":\"maps\",\"keep\":3,\"output_max_bytes\":0,\"daily\":true}",
        "{\"name\":\"maps\",\"type\":\"files\",\"output_max_bytes\":0,\"daily\":true}",
        "{\"name\":\"maps\",\"type\":\"files\",\"keep\":3,\"daily\":true}",
        "{\"name\":\"maps\",\"type\":\"files\",\"keep\":3,\"output_max_bytes\":0}",
    };
    struct host_tree *tree = *state;

    make_dir(tree, 2);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct source source = a_source(2, "untouched");
        struct error  err = { 0 };
        unit_write(tree->dir->fd, "data/sources/2/source.json", cases[i]);
        assert_int_equal(source_load(&source, &tree->paths, 2, &err), -1);
        if (err.kind != ERROR_FAILED || // ours, so nobody's input was wrong
            !strstr(err.message, "the settings of overlay 2 are damaged: "))
            fail_msg("%s: %u, %s", cases[i], err.kind, err.message);
        assert_string_equal(source.name, "untouched");
        assert_null(strchr(err.message, '\x1b'));
    }
}

static void test_what_is_no_file(void **state)
{
    struct host_tree *tree = *state;
    int               fd = tree->dir->fd;
    struct source     source;
    AUTO(freep) char *large = calloc(1, SOURCE_JSON_MAX + 2);

    make_source(tree, 2, "other");
    static const char *const names[] = { "3", "4", "5", "6", "8" };
    for (size_t i = 0; i < ELEMENTS(names); i++)
        make_dir(tree, (uint32_t)(*names[i] - '0'));
    assert_return_code(symlinkat("../2/source.json", fd, "data/sources/3/source.json"), errno);
    assert_return_code(mkdirat(fd, "data/sources/4/source.json", 0755), errno);
    assert_return_code(mkfifoat(fd, "data/sources/5/source.json", 0644), errno);
    memset(large, ' ', SOURCE_JSON_MAX + 1);
    memcpy(large, GOOD, strlen(GOOD));
    unit_write(fd, "data/sources/6/source.json", large);
    assert_return_code(symlinkat("2", fd, "data/sources/7"), errno);
    for (uint32_t number = 3; number < 8; number++) {
        struct error err = { 0 };
        assert_int_equal(source_load(&source, &tree->paths, number, &err), -1);
        assert_int_not_equal(err.kind, ERROR_NOT_FOUND);
    }
    large[SOURCE_JSON_MAX] = '\0';
    unit_write(fd, "data/sources/6/source.json", large); // as large as it may be
    struct error err = { 0 };
    assert_int_equal(source_load(&source, &tree->paths, 6, &err), 0);
}

// ---- finding ------------------------------------------------------------------------------------

static void assert_list(struct host_tree *tree, const char *want)
{
    AUTO(freep) struct sources *sources = NULL;
    struct error                err = { 0 };
    char                        text[512] = "";

    if (source_list(&sources, &tree->paths, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sources->n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u %s|",
                 sources->source[i].number, sources->source[i].name);
    assert_string_equal(text, want);
}

static void test_all_of_them(void **state)
{
    struct host_tree *tree = *state;
    int               fd = tree->dir->fd;

    assert_list(tree, "1 game|");
    make_source(tree, 10, "ten");
    make_source(tree, 9, "nine");
    make_source(tree, 2147483647, "last");
    make_source(tree, 2, "two");
    assert_list(tree, "1 game|2 two|9 nine|10 ten|2147483647 last|"); // by number, not by text

    make_dir(tree, 3); // half made
    make_dir(tree, 4);
    unit_write(fd, "data/sources/4/.source.json.tmp", GOOD); // by one that was killed
    make_dir(tree, 5);
    unit_write(fd, "data/sources/5/source.json", "damaged");
    make_dir(tree, 6);
    unit_write(fd, "data/sources/6/script", "echo\n");
    make_dir(tree, GAME_OVERLAY);
    unit_write(fd, "data/sources/1/source.json", GOOD);
    unit_write(fd, "data/sources/0/source.json", GOOD);
    unit_write(fd, "data/sources/07/source.json", GOOD);
    unit_write(fd, "data/sources/2147483648/source.json", GOOD);
    unit_write(fd, "data/sources/notes/source.json", GOOD);
    unit_write(fd, "data/sources/8", GOOD); // a file
    assert_list(tree, "1 game|2 two|9 nine|10 ten|2147483647 last|");
    unit_write(fd, "data/sources/9/source.json", "damaged");
    assert_list(tree, "1 game|2 two|10 ten|2147483647 last|");

    for (uint32_t number = 100; number < 150; number++) { // more than there is room for at first
        char name[16];
        snprintf(name, sizeof name, "n-%u", number);
        make_source(tree, number, name);
    }
    AUTO(freep) struct sources *sources = NULL;
    struct error                err = { 0 };
    assert_int_equal(source_list(&sources, &tree->paths, &err), 0);
    assert_int_equal(sources->n, 54);
    for (size_t i = 1; i < sources->n; i++)
        assert_true(sources->source[i - 1].number < sources->source[i].number);
}

static void test_finding(void **state)
{
    static const struct {
        const char     *text;
        uint32_t        want; // 0: not at all
        enum error_kind kind;
    } cases[] = {
        { "2", 2, ERROR_NONE },
        { "two", 2, ERROR_NONE },
        { "2nd", 3, ERROR_NONE },
        { "3", 3, ERROR_NONE },
        { "4", 0, ERROR_NOT_FOUND },
        { "5", 0, ERROR_FAILED },
        { "damaged", 0, ERROR_NOT_FOUND },
        { "0", 0, ERROR_NOT_FOUND },
        { "02", 0, ERROR_NOT_FOUND },
        { "-2", 0, ERROR_NOT_FOUND },
        { "2147483648", 0, ERROR_NOT_FOUND },
        { "", 0, ERROR_NOT_FOUND },
        { "Two", 0, ERROR_NOT_FOUND },
        { "two ", 0, ERROR_NOT_FOUND },
        { "../2", 0, ERROR_NOT_FOUND },
        { "\x1b[2J\xff", 0, ERROR_NOT_FOUND },
        { SIXTY SIXTY SIXTY, 0, ERROR_NOT_FOUND },
    };
    struct host_tree *tree = *state;

    make_source(tree, 2, "two");
    make_source(tree, 3, "2nd");
    make_source(tree, 5, "damaged");
    unit_write(tree->dir->fd, "data/sources/5/source.json", "x");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct source source = { 0 };
        struct error  err = { 0 };
        int           r = source_find(&source, &tree->paths, cases[i].text, &err);
        if (r != (cases[i].want ? 0 : -1) || err.kind != cases[i].kind)
            fail_msg("'%s': %u, %s", cases[i].text, err.kind, err.message);
        assert_int_equal(source.number, cases[i].want);
        assert_null(strpbrk(err.message, "\x1b\xff"));
    }
}

static void test_without_the_directory(void **state)
{
    struct host_tree           *tree = *state;
    AUTO(freep) struct sources *sources = NULL;
    struct source               source;
    struct error                err = { 0 };
    int                         lock_fd = -1;

    assert_return_code(unlinkat(tree->dir->fd, "data/sources", AT_REMOVEDIR), errno);
    assert_int_equal(source_list(&sources, &tree->paths, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "systemd-tmpfiles --create"));
    assert_int_equal(source_find(&source, &tree->paths, "maps", &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_int_equal(source_lock(&lock_fd, &tree->paths, &err), -1);
    assert_int_equal(lock_fd, -1);
    assert_int_equal(source_find(&source, &tree->paths, "game", &err), -1);
    assert_int_equal(source_find(&source, &tree->paths, "1", &err), 0);
}

static void test_one_change_at_a_time(void **state)
{
    struct host_tree *tree = *state;
    AUTO_FD           other = openat(tree->dir->fd, "data/sources", O_RDONLY | O_CLOEXEC);
    AUTO_FD           fd = -1;
    struct error      err = { 0 };

    assert_int_equal(source_lock(&fd, &tree->paths, &err), 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    fd = fd_close(fd);
    assert_return_code(flock(other, LOCK_EX | LOCK_NB), errno);
}

// ---- texts --------------------------------------------------------------------------------------

static void test_texts(void **state)
{
    static const struct {
        const char *name, *text;
        size_t      n;
        const char *want; // NULL: it is refused
        unsigned    at;   // the byte that is named then
    } cases[] = {
#define TEXT(literal) literal, sizeof(literal) - 1
        { "nothing", TEXT(""), "", 0 },
        { "a line", TEXT("a\n"), "a\n", 0 },
        { "a line without an end", TEXT("a"), "a\n", 0 },
        { "two", TEXT("a\nb"), "a\nb\n", 0 },
        { "empty lines", TEXT("\n\n"), "\n\n", 0 },
        { "of Windows", TEXT("a\r\nb\r\n"), "a\nb\n", 0 },
        { "of Windows, without an end", TEXT("a\r\nb"), "a\nb\n", 0 },
        { "of an old Macintosh", TEXT("a\rb\r"), "a\nb\n", 0 },
        { "of all of them", TEXT("a\r\nb\rc\nd"), "a\nb\nc\nd\n", 0 },
        { "a CR at the end", TEXT("a\r"), "a\n", 0 },
        { "a CR alone", TEXT("\r"), "\n", 0 },
        { "two CRs and a LF", TEXT("a\r\r\nb"), "a\n\nb\n", 0 },
        { "a LF and a CR", TEXT("a\n\rb"), "a\n\nb\n", 0 },
        { "tabs, and what a terminal obeys", TEXT("\ta\x1b[0m\x7f\n"), "\ta\x1b[0m\x7f\n", 0 },
        { "characters of two to four bytes", TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
          "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n", 0 },
        { "a NUL", TEXT("a\0b\n"), NULL, 2 },
        { "a NUL at first", TEXT("\0"), NULL, 1 },
        { "a NUL at last", TEXT("ab\0"), NULL, 3 },
        { "Latin-1", TEXT("a\xe4\n"), NULL, 2 },
        { "half a character at the end", TEXT("ab\xe2\x82"), NULL, 3 },
        { "a byte that goes on nothing", TEXT("\x80"), NULL, 1 },
        { "overlong", TEXT("\xc0\xaf"), NULL, 1 },
        { "a surrogate", TEXT("a\xed\xa0\x80"), NULL, 2 },
        { "above all characters", TEXT("\xf4\x90\x80\x80"), NULL, 1 },
        { "UTF-16",
          TEXT("\xff\xfe"
               "a\0"),
          NULL, 1 },
#undef TEXT
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(buffer_done) struct buffer text = { 0 }, again = { 0 };
        AUTO(freep) char               *copy = malloc(cases[i].n + !cases[i].n);
        struct error                    err = { 0 };
        char                            at[32];
        memcpy(copy, cases[i].text, cases[i].n);
        int r = source_normalise(&text, copy, cases[i].n, &err);
        if (r != (cases[i].want ? 0 : -1))
            fail_msg("%s: %s", cases[i].name, err.message);
        if (r < 0) {
            snprintf(at, sizeof at, "not UTF-8: byte %u", cases[i].at);
            assert_int_equal(err.kind, ERROR_INVALID);
            if (!strstr(err.message, at))
                fail_msg("%s: %s", cases[i].name, err.message);
            continue;
        }
        assert_string_equal(text.n ? text.bytes : "", cases[i].want);
        assert_int_equal(text.n, strlen(cases[i].want));
        assert_int_equal(source_normalise(&again, text.n ? text.bytes : "", text.n, &err), 0);
        assert_string_equal(again.n ? again.bytes : "", cases[i].want);
    }
}

// Fills it with `n` bytes, of which the last ones are `end`.
static char *long_text(size_t n, const char *end)
{
    char *text = malloc(n);

    memset(text, 'x', n);
    memcpy(text + n - strlen(end), end, strlen(end));
    return text;
}

// What is written can be read again: the end of the last line counts.
static void test_the_limit_of_a_text(void **state)
{
    static const struct {
        size_t      n;
        const char *end;
        size_t      want; // 0: it is refused
    } cases[] = {
        { SOURCE_TEXT_MAX, "\n", SOURCE_TEXT_MAX },
        { SOURCE_TEXT_MAX, "\r", SOURCE_TEXT_MAX },
        { SOURCE_TEXT_MAX, "\r\n", SOURCE_TEXT_MAX - 1 },
        { SOURCE_TEXT_MAX, "x", 0 },
        { SOURCE_TEXT_MAX - 1, "x", SOURCE_TEXT_MAX },
        { SOURCE_TEXT_MAX + 1, "\n", 0 },
        { SOURCE_TEXT_MAX + 1, "\r\n", 0 },
    };
    struct host_tree *tree = *state;
    struct source     source = a_source(2, "maps");

    make_source(tree, 2, "maps");
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(buffer_done) struct buffer read = { 0 };
        AUTO(freep) char               *text = long_text(cases[i].n, cases[i].end);
        struct error                    err = { 0 };
        int r = source_write_text(&tree->paths, &source, text, cases[i].n, &err);
        assert_int_equal(r, cases[i].want ? 0 : -1);
        if (r < 0) {
            assert_int_equal(err.kind, ERROR_INVALID);
            assert_string_equal(err.message, "the text is larger than 1 MiB");
            continue;
        }
        assert_int_equal(source_read_text(&read, &tree->paths, &source, &err), 0);
        assert_int_equal(read.n, cases[i].want);
        assert_int_equal(read.bytes[read.n - 1], '\n');
    }
}

static void test_texts_by_type(void **state)
{
    static const struct {
        enum overlay_type type;
        const char       *file; // NULL: it has none
    } cases[] = {
        { OVERLAY_SCRIPT, "script" },
        { OVERLAY_WORKSHOP, "items" },
        { OVERLAY_FILES, NULL },
        { OVERLAY_GAME, NULL },
    };
    struct host_tree *tree = *state;
    struct stat       st;
    char              path[64];

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint32_t                        number = (uint32_t)(10 + i);
        struct source                   source = a_source(number, "maps");
        AUTO(buffer_done) struct buffer text = { 0 };
        struct error                    err = { 0 };
        make_dir(tree, number);
        source.type = cases[i].type;
        if (!cases[i].file) {
            assert_null(source_text_file(source.type));
            assert_int_equal(source_read_text(&text, &tree->paths, &source, &err), -1);
            assert_int_equal(err.kind, ERROR_INVALID);
            assert_int_equal(source_write_text(&tree->paths, &source, "a", 1, &err), -1);
            assert_int_equal(err.kind, ERROR_INVALID);
            continue;
        }
        assert_string_equal(source_text_file(source.type), cases[i].file);
        assert_int_equal(source_read_text(&text, &tree->paths, &source, &err), -1);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
        assert_non_null(strstr(err.message, "the overlay 'maps' has no "));
        assert_int_equal(source_write_text(&tree->paths, &source, "a\r\nb", 4, &err), 0);
        assert_int_equal(source_write_text(&tree->paths, &source, "\xff", 1, &err),
                         -1); // a\nb stays
        assert_int_equal(source_read_text(&text, &tree->paths, &source, &err), 0);
        assert_string_equal(text.bytes, "a\nb\n");
        snprintf(path, sizeof path, "data/sources/%u/%s", number, cases[i].file);
        assert_return_code(fstatat(tree->dir->fd, path, &st, AT_SYMLINK_NOFOLLOW), errno);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        assert_int_equal(source_write_text(&tree->paths, &source, "", 0, &err), 0);
        AUTO(buffer_done) struct buffer empty = { 0 };
        assert_int_equal(source_read_text(&empty, &tree->paths, &source, &err), 0);
        assert_int_equal(empty.n, 0);
    }
    struct source                   gone = a_source(99, "gone");
    AUTO(buffer_done) struct buffer text = { 0 };
    struct error                    err = { 0 };
    assert_int_equal(source_write_text(&tree->paths, &gone, "a", 1, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "overlay 99 does not exist");
    assert_int_equal(source_read_text(&text, &tree->paths, &gone, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        ON_A_TREE(test_names_are_unique),
        ON_A_TREE(test_settings_come_back),
        ON_A_TREE(test_settings_out_of_range_are_not_stored),
        ON_A_TREE(test_the_game_has_settings_of_its_own),
        cmocka_unit_test(test_files_that_are_understood),
        ON_A_TREE(test_damaged_files),
        ON_A_TREE(test_what_is_no_file),
        ON_A_TREE(test_all_of_them),
        ON_A_TREE(test_finding),
        ON_A_TREE(test_without_the_directory),
        ON_A_TREE(test_one_change_at_a_time),
        cmocka_unit_test(test_texts),
        ON_A_TREE(test_the_limit_of_a_text),
        ON_A_TREE(test_texts_by_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
