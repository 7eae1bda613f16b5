// SPDX-License-Identifier: MIT
#include "files-world.h"
#include "archive-maker.h"

#include <limits.h>
#include <poll.h>
#include <sys/wait.h>
#include "files/extract.h"
#include "files/zip.h"

static const char *program; // left4me-unpack

static int pack(struct zip_counts *ret, const struct files_world *world, const char *path,
                int *ret_fd, int level, struct error *err)
{
    struct zip_options options = { .level = level };

    int fd = memfd_create("zip", MFD_CLOEXEC);
    int r = zip_write(ret, world->space, path, fd, &options, err);
    *ret_fd = archive_reopen(fd);
    return r;
}

static void test_what_is_packed_can_be_unpacked(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct zip_counts     counts = { 0 };
    struct extract_result result;
    struct error          err = { 0 };

    files_put(&world, "d/a", "1");
    files_put(&world, "d/ü/map.VPK", "stored");
    files_put(&world, "d/run", "2");
    files_put(&world, "d/empty", "");
    files_make_program(&world, "d/run");
    assert_int_equal(arrange_mkdir(world.space, "d/none", false, &err), 0);
    assert_return_code(symlinkat("/etc/passwd", world.space->tree_fd, "d/link"), errno);
    assert_return_code(mkfifoat(world.space->tree_fd, "d/fifo", 0640), errno);
    unit_write(world.space->tree_fd, "d/.left4me-x", "hidden");
    for (int level = 0; level <= 9; level += 3) {
        AUTO_FD fd = -1;
        if (pack(&counts, &world, "d", &fd, level, &err) < 0)
            fail_msg("%s", err.message);
        assert_int_equal(counts.files, 4);
        assert_int_equal(counts.dirs, 3);
        assert_int_equal(counts.bytes, 8);
        assert_int_equal(counts.left_out, 3);
        struct extract_options options = { .program = program, .path = "x" };
        if (extract_run(&result, world.space, fd, &options, &err) < 0)
            fail_msg("%s", err.message);
        assert_non_null(
            strstr(files_show(&world),
                   "x/ x/d/ x/d/a=1 x/d/empty= x/d/none/ x/d/run*=2 x/d/ü/ x/d/ü/map.VPK=stored"));
        assert_int_equal(arrange_remove(world.space, "x", true, &err), 0);
    }
    // All of the tree, and one file.
    AUTO_FD all = -1;
    assert_int_equal(pack(&counts, &world, "", &all, 6, &err), 0);
    assert_int_equal(counts.dirs, 3);
    AUTO_FD one = -1;
    assert_int_equal(pack(&counts, &world, "d/a", &one, 6, &err), 0);
    assert_int_equal(counts.files, 1);
    assert_int_equal(counts.dirs, 0);
    files_close(&world);
}

// The rest of the world reads it too, names included.
static void test_unzip_takes_it(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct zip_counts  counts;
    struct error       err = { 0 };
    char               command[512];

    files_put(&world, "d/ü", "text");
    AUTO_FD fd = -1;
    assert_int_equal(pack(&counts, &world, "d", &fd, 6, &err), 0);
    snprintf(command, sizeof command,
             "cat /proc/%d/fd/%d >%s/z.zip && python3 -c 'import sys, zipfile\n"
             "z = zipfile.ZipFile(sys.argv[1])\n"
             "sys.exit(z.testzip() or z.read(\"d/\\u00fc\") != b\"text\")' %s/z.zip",
             getpid(), fd, world.dir->path, world.dir->path);
    assert_int_equal(system(command), 0);
    files_close(&world);
}

// ---- a stream ---------------------------------------------------------------------------------

#define LARGE_BYTES MIB(200)
#define PIECE_MAX   MIB(1) // what may be in memory, a few times over

// A number of KiB in /proc/self/status.
static uint64_t memory_kib(const char *key)
{
    FILE    *status = fopen("/proc/self/status", "re");
    char     line[256];
    unsigned kib = 0;

    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, key, strlen(key)) == 0)
            assert_int_equal(sscanf(line + strlen(key), ": %u", &kib), 1);
    (void)fclose(status);
    assert_int_not_equal(kib, 0);
    return kib;
}

// How far the process has read the file that ends in `name`; UINT64_MAX: it has it no more.
static uint64_t read_so_far(pid_t pid, const char *name)
{
    char path[64], target[PATH_MAX];

    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n < (ssize_t)strlen(name) ||
            strncmp(target + n - strlen(name), name, strlen(name)) != 0)
            continue;
        unsigned long long at = 0;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, fd);
        FILE *info = fopen(path, "re");
        assert_non_null(info);
        assert_int_equal(fscanf(info, "pos: %llu", &at), 1);
        (void)fclose(info);
        return at;
    }
    return UINT64_MAX;
}

// In a process of its own: how much memory it takes is known of a process.
static _Noreturn void pack_into(int fd, const struct files_world *world)
{
    struct zip_options options = { .level = 0 };
    struct zip_counts  counts = { 0 };
    struct error       err = { 0 };
    uint64_t           before_kib = memory_kib("VmRSS");

    if (zip_write(&counts, world->space, "d", fd, &options, &err) < 0)
        _exit(1);
    _exit(counts.bytes == LARGE_BYTES && memory_kib("VmHWM") - before_kib < PIECE_MAX * 16 / 1024
              ? 0
              : 2);
}

// The first bytes come before more than a little is read, and what is on its way is never much.
static void test_it_is_a_stream(void **state)
{
    static char        bytes[1 << 20];
    struct files_world world = files_open(state, NULL);
    int                ends[2], status = -1;
    uint64_t           total = 0;
    ssize_t            n;

    files_put(&world, "d/large", "");
    AUTO_FD large = openat(world.space->tree_fd, "d/large", O_WRONLY | O_CLOEXEC);
    assert_return_code(ftruncate(large, (off_t)LARGE_BYTES), errno);
    large = fd_close(large);
    assert_return_code(pipe2(ends, O_CLOEXEC), errno);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0)
        pack_into(ends[1], &world);
    close(ends[1]);
    struct pollfd first = { .fd = ends[0], .events = POLLIN };
    assert_int_equal(poll(&first, 1, 60000), 1);
    assert_in_range(read_so_far(pid, "/d/large"), 1, PIECE_MAX);
    while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
        total += (uint64_t)n;
    assert_in_range(total, LARGE_BYTES, LARGE_BYTES + 4096);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[0]);
    files_close(&world);
}

static bool at_once(void *user)
{
    (void)user;
    return true;
}

static void test_refusals(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct zip_counts  counts;
    struct error       err = { 0 };
    struct zip_options options = { .level = 10 };

    files_put(&world, "a", "1");
    assert_int_equal(zip_write(&counts, world.space, "a", 1, &options, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    options.level = 1;
    assert_int_equal(zip_write(&counts, world.space, "nothing", 1, &options, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(zip_write(&counts, world.space, "../a", 1, &options, &err), -1);
    // Who listens has gone.
    AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(zip_write(&counts, world.space, "a", full, &options, &err), -1);
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    options.is_cancelled = at_once;
    AUTO_FD null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(zip_write(&counts, world.space, "a", null, &options, &err), -1);
    assert_string_equal(err.message, "it was cancelled");
    files_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_what_is_packed_can_be_unpacked),
        IN_DIR(test_unzip_takes_it),
        IN_DIR(test_it_is_a_stream),
        IN_DIR(test_refusals),
    };

    if (argc != 2)
        return 1;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
