// SPDX-License-Identifier: MIT
#include "files-world.h"
#include "archive-maker.h"

#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include "files/extract.h"
#include "files/frame.h"
#include "files/reader.h"
#include "files/upload.h"

static const char *program; // left4me-unpack

static char said[16384]; // the lines that were told

static void hear(void *user, const char *line)
{
    size_t n = strlen(said);

    (void)user;
    snprintf(said + n, sizeof said - n, "%s\n", line);
}

static int unpack(struct extract_result *ret, const struct files_world *world, int archive_fd,
                  struct extract_options options, struct error *err)
{
    AUTO_FD fd = archive_fd;

    options.program = options.program ? options.program : program;
    options.path = options.path ? options.path : "";
    options.say = hear;
    said[0] = '\0';
    *err = (struct error){ 0 };
    return extract_run(ret, world->space, fd, &options, err);
}

// ---- what is unpacked -------------------------------------------------------------------------

static void test_every_kind_of_archive(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct error       err;
    const char        *what = "d cfg; f cfg/a.cfg=one; x run=two; f empty; d none";

    for (size_t i = 0; i < ELEMENTS(archive_kinds); i++) {
        struct extract_result result = { 0 };
        int                   fd = archive_make(&archive_kinds[i], what, NULL);
        if (unpack(&result, &world, fd, (struct extract_options){ .path = "x" }, &err) < 0)
            fail_msg("%s: %s", archive_kinds[i].name, err.message);
        assert_string_equal(files_show(&world),
                            "x/ x/cfg/ x/cfg/a.cfg=one x/empty= x/none/ x/run*=two");
        assert_int_equal(result.files, 3);
        assert_int_equal(result.dirs, 2);
        assert_int_equal(result.bytes, 6);
        assert_int_equal(result.left_out, 0);
        assert_int_equal(files_staged(&world), 0);
        files_check_usage(&world);
        assert_int_equal(arrange_remove(world.space, "x", true, &err), 0);
    }
    files_close(&world);
}

// Made by hand: nobody but RAR makes them. Stored, cfg/a.cfg and b.txt.
static void test_rar(void **state)
{
    static const char rar5[] =
        "Rar!\x1a\x07\x01\x00\xc5\x1a\x33\x32\x03\x01\x00\x00\x21\xf6\xd9\x35\x18\x02\x02\x06\x04"
        "\x06\xa4\x83\x02\x20\x30\x3a\x36\x00\x01\x09"
        "cfg/a.cfg"
        "hello\n\xf7\x8a\xe9\x9c\x14\x02\x02\x06\x04\x06\xa4\x83\x02\xa8\x61\x38\xdd\x00\x01\x05"
        "b.txt"
        "world\n\x19\xb2\x3a\x35\x03\x05\x00\x00";
    static const char rar4[] =
        "Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00\x25\x4b\x74\x00\x80"
        "\x29\x00\x06\x00\x00\x00\x06\x00\x00\x00\x03\x20\x30\x3a\x36\x00\x00\x00\x50\x14\x30\x09"
        "\x00\xa4\x81\x00\x00"
        "cfg\\a.cfg"
        "hello\n\x31\x15\x74\x00\x80\x26\x00\x06\x00\x00\x00\x06\x00\x00\x00\x03\xa8\x61\x38\xdd"
        "\x00\x00\x00\x50\x14\x30\x06\x00\xa4\x81\x00\x00"
        "b\x81.txt"
        "world\n\xc4\x3d\x7b\x00\x40\x07\x00";
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;

    if (unpack(&result, &world, archive_of_bytes(rar5, sizeof rar5 - 1),
               (struct extract_options){ 0 }, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(files_show(&world), "b.txt=world\n cfg/ cfg/a.cfg=hello\n");
    if (unpack(&result, &world, archive_of_bytes(rar4, sizeof rar4 - 1),
               (struct extract_options){ .path = "4" }, &err) < 0)
        fail_msg("%s", err.message);
    assert_non_null(strstr(files_show(&world), "4/ 4/bü.txt=world\n 4/cfg/ 4/cfg/a.cfg=hello\n"));
    files_close(&world);
}

static const struct {
    const char         *items, *path;
    enum merge_existing existing;
    bool                strips_one;
    const char         *want; // the tree, or a part of the sentence after '!'
    const char         *says; // a part of what is told
} rows[] = {
    // The tree holds old=0 and d/old=0 before.
    { "f a=1; f d/b=2", "", MERGE_FAIL, false, "a=1 d/ d/b=2 d/old=0 old=0", "" },
    { "f a=1; f d/b=2", "n/m", MERGE_FAIL, false,
      "d/ d/old=0 n/ n/m/ n/m/a=1 n/m/d/ n/m/d/b=2 old=0", "" },
    { "f a=1; f old=2", "", MERGE_FAIL, false, "!'old' exists already", "" },
    { "f a=1; f d/old=2", "", MERGE_FAIL, false, "!'d/old' exists already", "" },
    { "f a=1; f old=2; f d/old=3", "", MERGE_REPLACE, false, "a=1 d/ d/old=3 old=2", "" },
    { "f a=1; f old=2; f d/old=3", "", MERGE_SKIP, false, "a=1 d/ d/old=0 old=0", "" },
    { "f a=1; f old/x=2", "", MERGE_REPLACE, false, "!'old' is there already, and no directory",
      "" },
    { "f a=1; f d=2", "", MERGE_REPLACE, false, "!'d' is there already, and no file", "" },
    { "f a=1", "old", MERGE_REPLACE, false, "!not a directory", "" },
    { "f a=1", "old/x", MERGE_REPLACE, false, "!not a directory", "" },
    { "f a=1", "../x", MERGE_REPLACE, false, "!'..'", "" },
    // One directory that everything is in.
    { "f top/a=1; d top/e", "", MERGE_FAIL, true, "a=1 d/ d/old=0 e/ old=0", "" },
    { "f top/a=1; d top/e", "n", MERGE_FAIL, true, "d/ d/old=0 n/ n/a=1 n/e/ old=0", "" },
    { "f top/a=1; f b=2", "n", MERGE_FAIL, true, "d/ d/old=0 n/ n/b=2 n/top/ n/top/a=1 old=0", "" },
    { "f top/a=1; f __MACOSX/._a=2; f __MACOSXX=", "n", MERGE_FAIL, false,
      "d/ d/old=0 n/ n/__MACOSXX= n/top/ n/top/a=1 old=0",
      "'__MACOSX/._a' is left out: it is what Macs add" },
    { "f top/a=1; f __MACOSX/._a=2", "n", MERGE_FAIL, true, "d/ d/old=0 n/ n/a=1 old=0",
      "what Macs add" },
    { "f a=1", "n", MERGE_FAIL, true, "d/ d/old=0 n/ n/a=1 old=0", "" },
    // Twice, and over each other.
    { "f a=1; f a=22; x a=333", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/a*=333 old=0", "" },
    { "f a=1; f a/b=2", "n", MERGE_FAIL, false, "!what that lies in is a file", "" },
    { "f a/b=1; f a=2", "n", MERGE_FAIL, false, "!'a' as a file and as a directory", "" },
    // Names.
    { "f dir\\sub\\a=1", "n", MERGE_FAIL, false,
      "d/ d/old=0 n/ n/dir/ n/dir/sub/ n/dir/sub/a=1 old=0", "" },
    { "f ./a=1; d .", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/a=1 old=0", "" },
    { "f \xc3\xbc=1", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/ü=1 old=0", "" },
    { "f \xfc=1", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/ü=1 old=0", "" },
    { "f ../a=1", "n", MERGE_FAIL, false, "!'../a' of the archive leads out", "" },
    { "f a/../../a=1", "n", MERGE_FAIL, false, "!'a/../../a' of the archive leads out", "" },
    { "f /etc/a=1", "n", MERGE_FAIL, false, "!'/etc/a' of the archive is an absolute path", "" },
    { "f C:\\a=1", "n", MERGE_FAIL, false, "!absolute", "" },
    { "f .left4me/a=1", "n", MERGE_FAIL, false, "!reserved", "" },
    { "f a\n=1", "n", MERGE_FAIL, false, "!control characters", "" },
    // What is no file.
    { "f a=1; l b=/etc/passwd; c e; p f", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/a=1 old=0",
      "'b' is left out: it is a symbolic link\n'e' is left out: it is a device, FIFO or socket\n"
      "'f' is left out" },
    { "f a=1; h b=a", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/a=1 old=0",
      "'b' is left out: it is a hard link" },
    { "l d=/etc; f d/passwd=evil", "n", MERGE_FAIL, false,
      "d/ d/old=0 n/ n/d/ n/d/passwd=evil old=0", "'d' is left out" },
    { "l l=/etc/passwd; f l=evil", "n", MERGE_FAIL, false, "d/ d/old=0 n/ n/l=evil old=0",
      "'l' is left out" },
    { "l ../../x=y", "n", MERGE_FAIL, false, "!leads out", "" },
};

static void test_rows(void **state)
{
    static const char first[] = "d/ d/old=0 old=0";
    struct unit_dir  *top = *state;

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct extract_result result;
        struct error          err;
        char                  name[16];
        snprintf(name, sizeof name, "%zu", i);
        assert_return_code(mkdirat(top->fd, name, 0700), errno);
        struct unit_dir dir = { .fd = openat(top->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
        void           *here = &dir;
        struct files_world world = files_open(&here, NULL);
        files_put(&world, "old", "0");
        files_put(&world, "d/old", "0");
        int         fd = archive_make(archive_tar, rows[i].items, NULL);
        int         r = unpack(&result, &world, fd,
                               (struct extract_options){ .path = rows[i].path,
                                                         .existing = rows[i].existing,
                                                         .strips_one = rows[i].strips_one },
                               &err);
        const char *tree = files_show(&world);
        bool is_fine = rows[i].want[0] == '!' ? r < 0 && strstr(err.message, rows[i].want + 1) &&
                                                    strcmp(tree, first) == 0
                                              : r == 0 && strcmp(tree, rows[i].want) == 0;
        if (!is_fine || !strstr(said, rows[i].says))
            fail_msg("row %zu, %s: %s; %s; %s", i, rows[i].items, r < 0 ? err.message : "done",
                     tree, said);
        assert_int_equal(files_staged(&world), 0);
        files_check_usage(&world);
        files_close(&world);
        close(dir.fd);
    }
}

static void test_names_of_old_zips(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;

    assert_int_equal(unpack(&result, &world,
                            archive_make(archive_zip, "f b\x81.txt=1; f \xe4\xff=2", NULL),
                            (struct extract_options){ 0 }, &err),
                     0);
    assert_string_equal(files_show(&world), "b\xc3\xbc.txt=1 \xce\xa3\xc2\xa0=2");
    files_close(&world);
}

// Two files of an archive are never alike to the publisher.
static void test_every_file_has_a_time_of_its_own(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;
    struct stat           a, b, c;

    assert_int_equal(unpack(&result, &world, archive_make(archive_zip, "f a=1; f b=2; f c=3", NULL),
                            (struct extract_options){ 0 }, &err),
                     0);
    assert_return_code(fstatat(world.space->tree_fd, "a", &a, 0), errno);
    assert_return_code(fstatat(world.space->tree_fd, "b", &b, 0), errno);
    assert_return_code(fstatat(world.space->tree_fd, "c", &c, 0), errno);
    assert_int_not_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
    assert_int_not_equal(b.st_mtim.tv_nsec, c.st_mtim.tv_nsec);
    assert_int_equal(a.st_mode & 07777, 0640);
    files_close(&world);
}

// ---- what cannot be unpacked ------------------------------------------------------------------

// The archive, cut to `n` bytes of a hundred parts.
static int cut(int fd, unsigned percent)
{
    static char bytes[1 << 20];
    ssize_t     n = pread(fd, bytes, sizeof bytes, 0);

    assert_true(n > 0);
    close(fd);
    return archive_of_bytes(bytes, (size_t)n * percent / 100);
}

static void test_broken_archives(void **state)
{
    static const char     items[] = "f a=some text that is here; N b=300000; f c=more";
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;

    for (size_t i = 0; i < ELEMENTS(archive_kinds); i++) {
        bool is_7z = strcmp(archive_kinds[i].name, "7z") == 0;
        int  r = unpack(&result, &world,
                        cut(archive_make(&archive_kinds[i], items, NULL), is_7z ? 60 : 50),
                        (struct extract_options){ 0 }, &err);
        if (r == 0 || err.kind != ERROR_INVALID ||
            !(strstr(err.message, "its end is missing") || strstr(err.message, "damaged")))
            fail_msg("%s: %s", archive_kinds[i].name, r < 0 ? err.message : "done");
        assert_string_equal(files_show(&world), "");
    }
    static const struct {
        const char *bytes;
        size_t      n;
    } none[] = {
        { "", 0 }, { "x", 1 }, { "plain text, and some more of it", 31 }, { "PK\x03\x04", 4 }
    };
    for (size_t i = 0; i < ELEMENTS(none); i++) {
        assert_int_equal(unpack(&result, &world, archive_of_bytes(none[i].bytes, none[i].n),
                                (struct extract_options){ 0 }, &err),
                         -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    assert_int_equal(unpack(&result, &world, archive_make(archive_zip, items, "secret"),
                            (struct extract_options){ 0 }, &err),
                     -1);
    assert_string_equal(err.message, "the archive is encrypted: pack it without a password");
    assert_int_equal(files_staged(&world), 0);
    files_check_usage(&world);
    files_close(&world);
}

static void test_only_a_file_that_is_read_is_taken(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;
    int                   ends[2];

    assert_int_equal(unpack(&result, &world, memfd_create("writable", MFD_CLOEXEC),
                            (struct extract_options){ 0 }, &err),
                     -1);
    assert_non_null(strstr(err.message, "open for reading alone"));
    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    assert_int_equal(unpack(&result, &world, ends[0], (struct extract_options){ 0 }, &err), -1);
    assert_non_null(strstr(err.message, "not a regular file"));
    close(ends[1]);
    assert_int_equal(unpack(&result, &world, archive_make(archive_zip, "f a=1", NULL),
                            (struct extract_options){ .program = "/nonexistent" }, &err),
                     -1);
    assert_non_null(strstr(err.message, "'/nonexistent'"));
    files_close(&world);
}

static void test_limits_from_both_sides(void **state)
{
    static const struct {
        struct space_limits limits;
        const char         *items;
        enum error_kind     want;
    } cases[] = {
        { { 100, 10, 100 }, "N a=100", ERROR_NONE },
        { { 99, 10, 100 }, "N a=100", ERROR_NO_SPACE },
        { { 1000, 10, 99 }, "N a=100", ERROR_NO_SPACE },
        { { 100, 10, 100 }, "N a=50; N b=50", ERROR_NONE },
        { { 99, 10, 100 }, "N a=50; N b=50", ERROR_NO_SPACE },
        { { 100, 4, 100 }, "f a=; f b=; d d", ERROR_NONE }, // and the directory that it is made in
        { { 100, 3, 100 }, "f a=; f b=; d d", ERROR_NO_SPACE },
        { { 100, 4, 100 }, "f a=; f a=; f a=; f a=; f a=; f a=", ERROR_NONE },
        { { MIB(300), 10, MIB(300) },
          "N a=67108864",
          ERROR_NONE }, // 64 MiB of zeros: not looked at
        { { MIB(300), 10, MIB(300) }, "N a=67174400", ERROR_INVALID }, // and a block more: a bomb
    };
    struct unit_dir *top = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct extract_result result;
        struct error          err;
        char                  name[16];
        snprintf(name, sizeof name, "%zu", i);
        assert_return_code(mkdirat(top->fd, name, 0700), errno);
        struct unit_dir dir = { .fd = openat(top->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
        void           *here = &dir;
        struct files_world world = files_open(&here, &cases[i].limits);
        int r = unpack(&result, &world, archive_make(archive_zip, cases[i].items, NULL),
                       (struct extract_options){ 0 }, &err);
        if ((r < 0) != (cases[i].want != ERROR_NONE) || err.kind != cases[i].want)
            fail_msg("row %zu, %s: %s", i, cases[i].items, r < 0 ? err.message : "done");
        if (cases[i].want == ERROR_INVALID)
            assert_non_null(strstr(err.message, "a bomb"));
        assert_int_equal(files_staged(&world), 0);
        files_check_usage(&world);
        files_close(&world);
        close(dir.fd);
    }
}

// Asked at the start, and again while nothing comes.
static bool give_up(void *user, const struct extract_progress *progress)
{
    unsigned *n = user;

    assert_true(progress->archive_bytes <= progress->archive_total);
    return ++*n < 2;
}

static void test_it_can_be_cancelled(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;
    unsigned              n = 0;
    int fd = archive_make(archive_tar, "N a=3000000; N b=3000000; N c=3000000", NULL);

    assert_int_equal(
        unpack(&result, &world, fd, (struct extract_options){ .tick = give_up, .user = &n }, &err),
        -1);
    assert_string_equal(err.message, "the unpacking was cancelled");
    assert_int_equal(n, 2);
    assert_string_equal(files_show(&world), "");
    assert_int_equal(files_staged(&world), 0);
    files_check_usage(&world);
    files_close(&world);
}

static bool die(void *user, const struct extract_progress *progress)
{
    (void)user;
    if (progress->files > 0)
        (void)raise(SIGKILL);
    return true;
}

// Killed half-way, nothing is in the tree, and the next one who counts sweeps the rest away.
static void test_a_killed_process_leaves_nothing(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct space_usage usage;
    struct error       err;
    int                status = 0;

    files_put(&world, "old", "0");
    pid_t pid = fork();
    if (pid == 0) {
        struct files_world    mine = files_open(state, NULL);
        struct extract_result result;
        int fd = archive_make(archive_tar, "f a=1; N b=3000000; N c=3000000; N d=3000000", NULL);
        (void)!unpack(&result, &mine, fd, (struct extract_options){ .tick = die }, &err);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(files_show(&world), "old=0");
    assert_int_equal(files_staged(&world), 1);
    assert_int_equal(space_read_usage(&usage, world.space, true, &err), 0);
    assert_int_equal(usage.bytes, 1);
    assert_int_equal(usage.entries, 1);
    assert_int_equal(files_staged(&world), 0);
    files_close(&world);
}

// ---- what the reader has taken from itself ----------------------------------------------------

// The line of /proc/PID/NAME that begins with `key`.
static const char *proc_line(pid_t pid, const char *name, const char *key)
{
    static char line[256];
    char        path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            break;
    (void)fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

// The program itself, in the middle of its work: it waits until somebody takes what it says.
static void test_the_reader_is_locked_in(void **state)
{
    static struct reader reader = { .fd = -1 };
    struct error         err = { 0 };
    struct pollfd        said_something = { .events = POLLIN };
    AUTO_FD              archive = archive_make(archive_tar, "N a=8000000", NULL);
    unsigned             soft = 1, hard = 1;

    (void)state;
    assert_int_equal(reader_start(&reader, program, archive, &err), 0);
    said_something.fd = reader.fd;
    assert_int_equal(poll(&said_something, 1, 60000), 1);
    assert_string_equal(proc_line(reader.pid, "status", "Seccomp:"), "Seccomp:\t2");
    assert_string_equal(proc_line(reader.pid, "status", "NoNewPrivs:"), "NoNewPrivs:\t1");
    assert_string_equal(proc_line(reader.pid, "status", "CapAmb:"), "CapAmb:\t0000000000000000");
    assert_int_equal(sscanf(proc_line(reader.pid, "limits", "Max open files"),
                            "Max open files %u %u", &soft, &hard),
                     2);
    assert_int_equal(soft + hard, 0);
    reader_done(&reader);
}

// ---- a reader that was taken over -------------------------------------------------------------

struct stream {
    size_t  n;
    uint8_t bytes[1 << 20];
};

static struct stream stream;

static void add(enum frame_kind kind, uint16_t flags, uint32_t detail, const void *bytes, size_t n)
{
    struct frame_header header = frame_header(kind, n, detail);

    header.flags = flags;
    memcpy(stream.bytes + stream.n, &header, sizeof header);
    memcpy(stream.bytes + stream.n + sizeof header, bytes, n);
    stream.n += sizeof header + n;
}

static void add_text(enum frame_kind kind, const char *text)
{
    add(kind, 0, 0, text, strlen(text));
}

// `cat` says whatever the archive says.
static int unpack_stream(const struct files_world *world, struct error *err)
{
    struct extract_result result;

    int r = unpack(&result, world, archive_of_bytes(stream.bytes, stream.n),
                   (struct extract_options){ .program = "/bin/cat" }, err);
    stream.n = 0;
    assert_int_equal(files_staged(world), 0);
    files_check_usage(world);
    return r;
}

static void test_a_stream_is_not_believed(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct error       err;

    add_text(FRAME_FILE, "a/b");
    add_text(FRAME_DATA, "text");
    add_text(FRAME_DATA, " and more");
    add_text(FRAME_DIR, "c");
    add(FRAME_END, 0, 0, "", 0);
    assert_int_equal(unpack_stream(&world, &err), 0);
    assert_string_equal(files_show(&world), "a/ a/b=text and more c/");
    assert_int_equal(arrange_remove(world.space, "a", true, &err), 0);
    assert_int_equal(arrange_remove(world.space, "c", true, &err), 0);

    static const char *const paths[] = { "../x", "/x", "a/../x", "x\0y", "", ".", "..", "a\n" };
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        add(FRAME_FILE, 0, 0, paths[i], i == 3 ? 3 : strlen(paths[i]));
        add(FRAME_END, 0, 0, "", 0);
        assert_int_equal(unpack_stream(&world, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    add_text(FRAME_DATA, "without a file");
    assert_int_equal(unpack_stream(&world, &err), -1);
    assert_non_null(strstr(err.message, "was it taken over?"));
    add_text(FRAME_DIR, "d");
    add_text(FRAME_DATA, "into a directory");
    assert_int_equal(unpack_stream(&world, &err), -1);
    add_text(FRAME_FILE, "no end");
    assert_int_equal(unpack_stream(&world, &err), -1);
    assert_non_null(strstr(err.message, "ended in the middle"));
    add_text(FRAME_FILE, "cut");
    stream.n -= 1;
    assert_int_equal(unpack_stream(&world, &err), -1);
    add(FRAME_OTHER, 0, FRAME_OTHER_SYMLINK, "evil\nname", 9);
    add(FRAME_END, 0, 0, "", 0);
    assert_int_equal(unpack_stream(&world, &err), -1);
    add(FRAME_ERROR, 0, FRAME_ERROR_DAMAGED, "evil\nwords\x1b[2J\xff", 15);
    assert_int_equal(unpack_stream(&world, &err), -1);
    assert_non_null(strstr(err.message, "(evil?words?[2J?)"));
    assert_string_equal(files_show(&world), "");
    files_close(&world);
}

static void test_what_is_left_out_is_told_up_to_a_number(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct error       err;
    unsigned           n = 0;

    for (unsigned i = 0; i < 2 * EXTRACT_LINES_MAX; i++)
        add(FRAME_OTHER, 0, FRAME_OTHER_SYMLINK, "link", 4);
    add(FRAME_END, 0, 0, "", 0);
    assert_int_equal(unpack_stream(&world, &err), 0);
    for (const char *c = said; *c; c++)
        n += *c == '\n';
    assert_int_equal(n, EXTRACT_LINES_MAX + 1);
    files_close(&world);
}

// Programs that are no readers at all.
static void test_other_ends_of_a_reader(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err;

    assert_int_equal(unpack(&result, &world, archive_of_bytes("x", 1),
                            (struct extract_options){ .program = "/bin/true" }, &err),
                     -1);
    assert_non_null(strstr(err.message, "ended in the middle"));
    assert_int_equal(unpack(&result, &world, archive_of_bytes("x", 1),
                            (struct extract_options){ .program = "/bin/false" }, &err),
                     -1);
    assert_non_null(strstr(err.message, "ended with code 1"));
    // A shell that reads what to do.
    static const struct {
        const char *script, *want;
    } deaths[] = {
        { "kill -SYS $$", "what it may not do" },
        { "kill -XCPU $$", "120 seconds of processor time" },
        { "kill -SEGV $$", "died of signal 11" },
        { "exec sleep 1000 <&1; exit", "cancelled" },
    };
    for (size_t i = 0; i < ELEMENTS(deaths); i++) {
        unsigned n = 0;
        assert_int_equal(
            unpack(&result, &world, archive_of_bytes(deaths[i].script, strlen(deaths[i].script)),
                   (struct extract_options){
                       .program = "/bin/sh", .tick = i == 3 ? give_up : NULL, .user = &n },
                   &err),
            -1);
        if (!strstr(err.message, deaths[i].want))
            fail_msg("%s: %s", deaths[i].script, err.message);
    }
    files_close(&world);
}

// An archive that came in chunks is unpacked and never was in the tree.
static void test_an_uploaded_archive(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct extract_result result;
    struct error          err = { 0 };
    struct upload_id      id;
    uint8_t               bytes[4096], hash[UPLOAD_HASH];
    AUTO_FD               archive = archive_make(archive_zip, "f a=1", NULL);
    ssize_t               n = pread(archive, bytes, sizeof bytes, 0);
    int                   fd = -1;

    crypto_hash_sha256(hash, bytes, (unsigned long long)n);
    struct upload_options options = { .path = "", .total = (uint64_t)n, .sha256 = hash };
    assert_int_equal(upload_begin(&id, world.space, &options, &err), 0);
    assert_int_equal(upload_put(world.space, id.text, 0, bytes, (size_t)n, hash, &err), 0);
    assert_int_equal(upload_open(&fd, world.space, id.text, &err), 0);
    assert_int_equal(unpack(&result, &world, fd, (struct extract_options){ 0 }, &err), 0);
    assert_int_equal(upload_abort(world.space, id.text, &err), 0);
    assert_string_equal(files_show(&world), "a=1");
    files_check_usage(&world);
    files_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_every_kind_of_archive),
        IN_DIR(test_rar),
        IN_DIR(test_rows),
        IN_DIR(test_names_of_old_zips),
        IN_DIR(test_every_file_has_a_time_of_its_own),
        IN_DIR(test_broken_archives),
        IN_DIR(test_only_a_file_that_is_read_is_taken),
        IN_DIR(test_limits_from_both_sides),
        IN_DIR(test_it_can_be_cancelled),
        IN_DIR(test_a_killed_process_leaves_nothing),
        cmocka_unit_test(test_the_reader_is_locked_in),
        IN_DIR(test_a_stream_is_not_believed),
        IN_DIR(test_what_is_left_out_is_told_up_to_a_number),
        IN_DIR(test_other_ends_of_a_reader),
        IN_DIR(test_an_uploaded_archive),
    };

    if (argc != 2)
        return 1;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
