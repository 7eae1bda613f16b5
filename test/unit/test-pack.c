// SPDX-License-Identifier: MIT

// Archives of ours: what is written is read again, and nothing else is.

#include "archive-maker.h"

#include <sodium.h>
#include "admin/pack.h"
#include "base/fd.h"

static const char *program;

static const struct manifest wanted = {
    .version = "0.1.0", .host = "here", .made_unix_s = 1700000000, .database_version = 2
};

static int read_pack(struct manifest *ret, int archive_fd, int to_fd, enum manifest_kind kind,
                     struct error *err)
{
    const struct pack_options options = { .program = program, .to_fd = to_fd, .kind = kind };

    return pack_read(ret, archive_fd, &options, err);
}

static void put(int dir_fd, const char *name, const char *text, mode_t mode)
{
    AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void expect_file(int dir_fd, const char *path, const char *text, mode_t mode)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;
    struct stat       st;
    struct error      err;

    if (fd_read_file(&bytes, &n, dir_fd, path, 4096, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(bytes, text);
    assert_return_code(fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW), errno);
    assert_int_equal(st.st_mode & 0777, mode);
}

// ---- round trip --------------------------------------------------------------------------------

static unsigned n_skipped;

static void count_skipped(void *user, const char *path, const char *why)
{
    (void)user;
    (void)path;
    (void)why;
    n_skipped++;
}

static void fill_tree(int fd)
{
    struct error err;
    AUTO_FD      sub = -1;

    assert_return_code(mkdirat(fd, "in", 0755), errno);
    assert_return_code(mkdirat(fd, "in/a b ü", 0755), errno);
    assert_return_code(mkdirat(fd, "in/empty", 0755), errno);
    assert_return_code(fd_open_dir(&sub, fd, "in", &err), 0);
    put(sub, "run", "#!", 0755);
    put(sub, "a b ü/text", "hello", 0644);
    put(sub, ".left4me-new", "half", 0644);
    put(sub, "bad\nname", "x", 0644);
    assert_return_code(symlinkat("/etc/passwd", sub, "link"), errno);
    assert_return_code(mkfifoat(sub, "fifo", 0644), errno);
}

// Returns the archive, open for reading alone.
static int make_pack(int dir_fd, enum manifest_kind kind)
{
    AUTO(pack_freep) struct pack *pack = NULL;
    const struct pack_tree        tree = { .skip = count_skipped };
    struct manifest               manifest = wanted;
    struct error                  err;
    AUTO_FD                       in = -1;
    int                           fd = memfd_create("pack", MFD_CLOEXEC);

    manifest.kind = kind;
    n_skipped = 0;
    assert_return_code(fd_open_dir(&in, dir_fd, "in", &err), 0);
    if (pack_begin(&pack, fd, &manifest, &err) < 0 ||
        pack_add_bytes(pack, "key/left4me.key", "0123", 4, &err) < 0 ||
        pack_add_bytes(pack, "empty", "", 0, &err) < 0 ||
        pack_add_file(pack, "one", in, "run", &err) < 0 ||
        pack_add_tree(pack, "sources/7/tree", in, &tree, &err) < 0 ||
        pack_finish(pack, &manifest, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(manifest.files, 5);
    assert_int_equal(manifest.dirs, 3);
    return archive_reopen(fd);
}

static void test_round_trip(void **state)
{
    struct unit_dir *dir = *state;
    struct manifest  manifest;
    struct error     err = { 0 };
    AUTO_FD          out = -1;

    (void)umask(027);
    fill_tree(dir->fd);
    AUTO_FD fd = make_pack(dir->fd, MANIFEST_BACKUP);
    assert_int_equal(n_skipped, 3);
    assert_return_code(mkdirat(dir->fd, "out", 0755), errno);
    assert_return_code(fd_open_dir(&out, dir->fd, "out", &err), 0);
    if (read_pack(&manifest, fd, -1, MANIFEST_BACKUP, &err) < 0 ||
        read_pack(&manifest, fd, out, MANIFEST_BACKUP, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(manifest.host, "here");
    assert_int_equal(manifest.database_version, 2);
    assert_int_equal(manifest.bytes, 4 + 2 + 2 + 5);
    expect_file(out, "key/left4me.key", "0123", 0640);
    expect_file(out, "empty", "", 0640);
    expect_file(out, "sources/7/tree/run", "#!", 0750);
    expect_file(out, "sources/7/tree/a b ü/text", "hello", 0640);
    assert_return_code(faccessat(out, "sources/7/tree/empty", F_OK, 0), errno);
    assert_int_equal(faccessat(out, MANIFEST_FILE, F_OK, 0), -1);
    // Not over what is there.
    assert_int_equal(read_pack(&manifest, fd, out, MANIFEST_BACKUP, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(read_pack(&manifest, fd, -1, MANIFEST_EXPORT, &err), -1);
    assert_non_null(strstr(err.message, "of the kind 'backup'"));
}

static void test_a_file_that_shrinks(void **state)
{
    struct unit_dir              *dir = *state;
    AUTO(pack_freep) struct pack *pack = NULL;
    struct error                  err;
    AUTO_FD                       fd = memfd_create("pack", MFD_CLOEXEC);

    assert_return_code(pack_begin(&pack, fd, &wanted, &err), 0);
    assert_int_equal(pack_add_file(pack, "one", dir->fd, "absent", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(pack_add_bytes(pack, "../one", "", 0, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

// ---- cut off, changed --------------------------------------------------------------------------

static int copy_of(int fd, size_t n)
{
    static uint8_t bytes[1 << 16];
    int            copy = memfd_create("copy", MFD_CLOEXEC);

    assert_true(n <= sizeof bytes);
    assert_int_equal(pread(fd, bytes, n, 0), n);
    assert_int_equal(write(copy, bytes, n), n);
    return copy;
}

// Whatever byte is changed, and wherever it ends: it is refused, or the same.
static void test_damage(void **state)
{
    struct unit_dir *dir = *state;
    struct manifest  manifest;
    struct error     err = { 0 };
    struct stat      st;

    fill_tree(dir->fd);
    AUTO_FD fd = make_pack(dir->fd, MANIFEST_BACKUP);
    assert_return_code(fstat(fd, &st), errno);
    for (size_t n = 0; n < (size_t)st.st_size; n += 61) {
        AUTO_FD cut = archive_reopen(copy_of(fd, n));
        assert_int_equal(read_pack(&manifest, cut, -1, MANIFEST_BACKUP, &err), -1);
        assert_int_not_equal(err.message[0], '\0');
        int     copy = copy_of(fd, (size_t)st.st_size);
        uint8_t byte = 0;
        assert_int_equal(pread(copy, &byte, 1, (off_t)n), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(copy, &byte, 1, (off_t)n), 1);
        AUTO_FD changed = archive_reopen(copy);
        if (read_pack(&manifest, changed, -1, MANIFEST_BACKUP, &err) == 0)
            assert_int_equal(manifest.bytes, 13);
    }
}

// ---- made by others ----------------------------------------------------------------------------

#define SUM_A  "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b" // of "1"
#define SUM_B  "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35" // of "2"
#define LIST   SUM_A "  a\n"
#define HEAD   "{\"format\":1,\"kind\":\"backup\",\"version\":\"1\",\"host\":\"h\",\"made_unix_s\":1,"
#define COUNTS "\"database_version\":2,\"files\":1,\"dirs\":0,\"bytes\":1,\"sums\":\""

// "%s" becomes the hash of the list.
static const struct {
    const char *name, *items, *part;
} cases[] = {
    { "as it should be", "f a=1; f SHA256SUMS=" LIST "; f manifest.json=" HEAD COUNTS "%s\"}",
      NULL },
    { "no manifest", "f a=1", "has no manifest.json" },
    { "nothing at all", "", "" },
    { "upwards", "f ../a=1", "component '.' or '..'" },
    { "upwards below", "f sources/7/tree/../../a=1", "component '.' or '..'" },
    { "upwards as whose", "f sources/../tree/a=1", "component '.' or '..'" },
    { "absolute", "f /etc/passwd=1", "empty component" },
    { "a control character", "f a\x01=1", "control characters" },
    { "ours", "f sources/7/tree/.left4me/a=1", "is reserved" },
    { "a link", "l a=/etc", "a symbolic link" },
    { "a hard link", "f a=1; h b=a", "a hard link" },
    { "a device", "c a", "a device" },
    { "a FIFO", "p a", "a device" },
    { "twice", "f a=1; f a=1", "twice" },
    { "twice, as a directory", "d a; f a=1", "" },
    { "a file in a file", "f a=1; f a/b=1", "" },
    { "zeros without end", "N a=1000000000", "unpacks to far more" },
    { "another file", "f a=2; f SHA256SUMS=" LIST "; f manifest.json=" HEAD COUNTS "%s\"}",
      "is damaged" },
    { "one more", "f a=1; f b=2; f SHA256SUMS=" LIST "; f manifest.json=" HEAD COUNTS "%s\"}",
      "is damaged" },
    { "one more directory",
      "f a=1; d b; f SHA256SUMS=" LIST "; f manifest.json=" HEAD COUNTS "%s\"}", "is damaged" },
    { "another list", "f a=1; f SHA256SUMS=" SUM_B "  a\n; f manifest.json=" HEAD COUNTS "%s\"}",
      "is damaged" },
    { "after the list", "f a=1; f SHA256SUMS=" LIST "; f b=2", "in no list" },
    { "after the end", "f a=1; f SHA256SUMS=" LIST "; f manifest.json=" HEAD COUNTS "%s\"}; f b=2",
      "after its end" },
    { "no list", "f a=1; f manifest.json=" HEAD COUNTS "%s\"}", "no list" },
    { "another kind",
      "f a=1; f SHA256SUMS=" LIST
      "; f manifest.json={\"format\":1,\"kind\":\"export\",\"version\":\"1\",\"host\":"
      "\"h\",\"made_unix_s\":1," COUNTS "%s\"}",
      "of the kind 'export'" },
    { "a later format", "f a=1; f SHA256SUMS=" LIST "; f manifest.json={\"format\":2}",
      "a later version" },
    { "no JSON", "f a=1; f SHA256SUMS=" LIST "; f manifest.json=hello", "is not JSON" },
    { "a key too many",
      "f a=1; f SHA256SUMS=" LIST "; f manifest.json=" HEAD "\"x\":1," COUNTS "%s\"}", "keys" },
    { "a large manifest", "f a=1; f SHA256SUMS=" LIST "; N manifest.json=20000", "is too large" },
};

static void read_case(const char *name, const char *items, const char *part, int to_fd)
{
    struct manifest manifest = { 0 };
    struct error    err = { 0 };
    uint8_t         hash[MANIFEST_HASH];
    char            hex[2 * MANIFEST_HASH + 1], text[4096];
    const char     *hole = strstr(items, "%s");
    size_t          n = hole ? (size_t)(hole - items) : strlen(items);

    crypto_hash_sha256(hash, (const uint8_t *)LIST, strlen(LIST));
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(text, sizeof text, "%.*s%s%s", (int)n, items, hole ? hex : "", hole ? hole + 2 : "");
    AUTO_FD fd = archive_make(&archive_kinds[6], text, NULL);
    int     r = read_pack(&manifest, fd, to_fd, MANIFEST_BACKUP, &err);
    if (r != (part ? -1 : 0) || (part && (!*err.message || !strstr(err.message, part))))
        fail_msg("%s: %d '%s'", name, r, err.message);
}

static void test_others(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO_FD fd = -1;
        char    name[32];
        snprintf(name, sizeof name, "out%zu", i);
        assert_return_code(mkdirat(dir->fd, name, 0755), errno);
        assert_return_code(fd_open_dir(&fd, dir->fd, name, &err), 0);
        if (strncmp(cases[i].items, "N", 1) != 0 && !strstr(cases[i].items, "f a/b")) // no need to
            read_case(cases[i].name, cases[i].items, cases[i].part, fd);
        if (strcmp(cases[i].name, "a file in a file") != 0) // only a file system tells
            read_case(cases[i].name, cases[i].items, cases[i].part, -1);
        else
            read_case(cases[i].name, cases[i].items, cases[i].part, fd);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_shrinks, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_damage, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_others, unit_dir_setup, unit_dir_teardown),
    };

    program = argc > 1 ? argv[1] : "left4me-unpack";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
