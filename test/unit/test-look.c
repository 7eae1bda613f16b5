// SPDX-License-Identifier: MIT
#include "unit.h"

#include "disk-dir.h"
#include "measured-tree.h"

#include <errno.h>
#include <limits.h>
#include "guard/disk.h"
#include "guard/look.h"
#include "guard/procfs.h"
#include "guard/seen.h"
#include "sandbox.h"

#define MIB (1u << 20)

// ---- what the kernel says ---------------------------------------------------------------------

static const struct {
    const char *name, *text;
    bool        is_good;
    char        state;
    uint64_t    switches;
} statuses[] = {
    { "a process",
      "Name:\tbash\nUmask:\t0022\nState:\tS (sleeping)\nPPid:\t12\nvoluntary_ctxt_switches:\t5\n"
      "nonvoluntary_ctxt_switches:\t7\n",
      true, 'S', 12 },
    { "a name with what a line begins with",
      "Name:\tState:\\nState:\tZ\nState:\tR (running)\nvoluntary_ctxt_switches:\t0\n"
      "nonvoluntary_ctxt_switches:\t0\n",
      true, 'R', 0 },
    { "nothing", "", false, 0, 0 },
    { "no state", "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n", false, 0, 0 },
    { "no number", "State:\tS\nvoluntary_ctxt_switches:\t\nnonvoluntary_ctxt_switches:\t0\n", false,
      0, 0 },
};

static void test_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(statuses); i++) {
        struct procfs_status status = { 0 };
        bool good = procfs_parse_status(&status, statuses[i].text, strlen(statuses[i].text));
        if (good != statuses[i].is_good)
            fail_msg("%s", statuses[i].name);
        assert_int_equal(status.state, statuses[i].state);
        assert_int_equal(status.switches, statuses[i].switches);
        for (size_t n = 0; n + 2 < strlen(statuses[i].text); n++) // every shorter one is refused
            assert_false(procfs_parse_status(&status, statuses[i].text, n));
    }
}

static const struct {
    const char *text;
    size_t      n;
    uint32_t    number;
} numbers[] = {
    { "12 34 ", 3, 12 }, { "0 ", 2, 0 },  { "4294967295 ", 11, UINT32_MAX },
    { "12", 0, 0 },      { "", 0, 0 },    { " 12 ", 0, 0 },
    { "1x ", 0, 0 },     { "-1 ", 0, 0 }, { "4294967296 ", 0, 0 },
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        uint32_t number = 0;
        size_t   n = procfs_next_number(&number, numbers[i].text, strlen(numbers[i].text));
        if (n != numbers[i].n || number != numbers[i].number)
            fail_msg("'%s': %zu, %u", numbers[i].text, n, number);
    }
}

static const struct {
    const char *text;
    bool        is_good;
    uint64_t    written;
} counts[] = {
    { "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 4\ncancelled_write_bytes: 5\n", true, 4 },
    { "wchar: 2\ncancelled_write_bytes: 5\nwrite_bytes: 18446744073709551\n", true,
      18446744073709551u },
    { "cancelled_write_bytes: 5\n", false, 0 },
    { "write_bytes: \n", false, 0 },
    { "", false, 0 },
};

static void test_what_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(counts); i++) {
        uint64_t written = 0;
        bool     good = procfs_parse_written(&written, counts[i].text, strlen(counts[i].text));
        if (good != counts[i].is_good || (good && written != counts[i].written))
            fail_msg("'%s': %llu", counts[i].text, (unsigned long long)written);
    }
}

#define MAPPED "7f0000000000-7f0000001000 r--s 00000000 fe:00 1234                       "
static const struct {
    const char *line;
    bool        is_deleted;
} mappings[] = {
    { MAPPED "/overlay/x (deleted)", true },
    { MAPPED "/overlay/a b/x (deleted)", true },
    { MAPPED "/overlay/x", false },
    { MAPPED "/overlayx/x (deleted)", false },
    { MAPPED "/usr/lib/libc.so.6 (deleted)", false },
    { MAPPED "/tmp/overlay/x (deleted)", false },
    { MAPPED "/overlay (deleted)", false },
    { MAPPED "/dev/zero (deleted)", false },
    { "7f0000000000-7f0000001000 rw-p 00000000 00:00 0", false },
    { " (deleted)", false },
    { "/overlay/x (deleted)", false },
    { "", false },
};

static void test_mappings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(mappings); i++)
        if (procfs_is_deleted_below(mappings[i].line, strlen(mappings[i].line), "/overlay") !=
            mappings[i].is_deleted)
            fail_msg("%s", mappings[i].line);
    assert_int_equal(procfs_parse_in_flight("pos:\t0\nscm_fds: 3\n", 19), 3);
    assert_int_equal(procfs_parse_in_flight("pos:\t0\nscm_fds: 3\n", 10), 0);
    assert_int_equal(procfs_parse_in_flight("pos:\t0\nflags:\t02\n", 17), 0);
    assert_int_equal(procfs_parse_socket("socket:[4026531]", 16), 4026531);
    assert_int_equal(procfs_parse_socket("socket:[12]", 8), 0);
    assert_int_equal(procfs_parse_socket("pipe:[12]", 9), 0);
}

static void test_seen(void **state)
{
    struct seen  seen;
    struct error err = { 0 };

    (void)state;
    assert_int_equal(seen_init(&seen, &err), 0);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 20000; i++)
            assert_int_equal(seen_add(&seen, i % 3, i / 3), 1);
        for (uint64_t i = 0; i < 20000; i++)
            assert_int_equal(seen_add(&seen, i % 3, i / 3), 0);
        seen_empty(&seen);
    }
    seen.n = SEEN_MAX;
    assert_int_equal(seen_add(&seen, 1, 1), -1);
    seen_done(&seen);
}

// ---- measuring --------------------------------------------------------------------------------

static void test_what_counts(void **state)
{
    const struct unit_dir *dir = *state;
    uint64_t               before = measure_dir(dir->fd).bytes;

    make_file(dir->fd, "file", MIB);
    for (char name[] = "link0"; name[4] < '9'; name[4]++)
        assert_int_equal(linkat(dir->fd, "file", dir->fd, name, 0), 0);
    struct measured links = measure_dir(dir->fd);
    assert_in_range(links.bytes, before + MIB, before + MIB + 65536);
    assert_int_equal(links.entries, 10);

    AUTO_FD sparse = openat(dir->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(sparse, INT32_MAX), 0);
    assert_in_range(measure_dir(dir->fd).bytes, links.bytes, links.bytes + 65536);
    assert_int_equal(pwrite(sparse, "x", 1, INT32_MAX / 2), 1);
    assert_in_range(measure_dir(dir->fd).bytes, links.bytes + 512, links.bytes + 131072);
    assert_int_equal(symlinkat("/", dir->fd, "root"), 0); // is not followed
    assert_int_equal(measure_dir(dir->fd).entries, 12);
}

static int measure_closed(int dir_fd)
{
    static const char *const closed[] = { "a", "a/b", "a/b/c" };
    struct stat              st;

    struct measured all = measure_dir(dir_fd);
    if (all.entries != 4 || all.bytes < MIB)
        return 1;
    for (unsigned i = 0; i < ELEMENTS(closed); i++) {
        if (fstatat(dir_fd, closed[i], &st, 0) < 0 ||
            (st.st_mode & 07777) != 0000 + 0300 * (i == 1))
            return 2; // not as it was
        if (fchmodat(dir_fd, closed[i], 0700, 0) < 0)
            return 3;
    }
    return 0;
}

// As somebody for whom modes count.
static void test_closed_directories(void **state)
{
    const struct unit_dir *dir = *state;

    assert_int_equal(chmod(dir->path, 0777), 0);
    pid_t pid = sandbox_fork(SANDBOX_PLAIN);
    assert_true(pid >= 0);
    if (pid == 0) {
        sandbox_enter(SANDBOX_PLAIN);
        for (const char *const *name = (const char *const[]){ "a", "a/b", "a/b/c", NULL }; *name;
             name++)
            if (mkdirat(dir->fd, *name, 0700) < 0)
                _exit(97);
        make_file(dir->fd, "a/b/c/file", MIB);
        if (fchmodat(dir->fd, "a/b/c", 0, 0) < 0 || fchmodat(dir->fd, "a/b", 0300, 0) < 0 ||
            fchmodat(dir->fd, "a", 0, 0) < 0)
            _exit(96);
        _exit(measure_closed(dir->fd));
    }
    assert_int_equal(sandbox_wait(pid), 0);
}

static void test_deep_trees(void **state)
{
    const struct unit_dir *dir = *state;
    struct measure        *measure = NULL;
    struct error           err = { 0 };
    AUTO_FD                fd = dup(dir->fd);

    for (unsigned i = 0; i < MEASURE_DEPTH_MAX; i++) {
        assert_int_equal(measure_dir(dir->fd).entries, i);
        assert_int_equal(mkdirat(fd, "d", 0700), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)fd_close(fd);
        fd = next;
    }
    assert_int_equal(measure_new(&measure, MEASURE_ENTRIES_MAX, &err), 0);
    measure_begin(measure);
    assert_int_equal(measure_add_tree(measure, dir->fd, &err), -1);
    assert_string_equal(err.message, "the output has more than 256 directories within each other");
    measure_free(measure);
}

static void test_measuring_ends_at_its_limit(void **state)
{
    const struct unit_dir *dir = *state;
    struct measure        *measure = NULL;
    struct error           err = { 0 };

    assert_int_equal(measure_new(&measure, 5, &err), 0);
    for (char name[] = "a"; *name < 'z'; (*name)++)
        make_file(dir->fd, name, 0);
    for (int round = 0; round < 2; round++) {
        measure_begin(measure);
        assert_int_equal(measure_add_tree(measure, dir->fd, &err), 0);
        assert_int_equal(measure_sum(measure).entries, 6);
    }
    measure_free(measure);
}

static void test_the_disk_is_told_at_once(void **state)
{
    const struct unit_dir *dir = *state;
    struct error           err = { 0 };
    struct disk            disk;
    int                    fds[] = { dir->fd, dir->fd };

    assert_int_equal(disk_begin(&disk, fds, 2, &err), 0);
    assert_int_equal(disk.all[1].twin, 0);
    make_file(dir->fd, "file", 4 * MIB);
    assert_int_equal(disk_sample(&disk, &err), 0);
    // Whatever others do meanwhile, what is freed is not taken off.
    uint64_t spent = disk.spent_bytes;
    assert_int_equal(unlinkat(dir->fd, "file", 0), 0);
    assert_int_equal(disk_sample(&disk, &err), 0);
    assert_true(disk.spent_bytes >= spent);
}

// Others take space and give it back, and what was removed is free a little later.
static void test_what_is_missing(void **state)
{
    struct look        look = { 0 };
    struct look_result result = { .size = { .bytes = 100 } };
    const uint64_t     second = 1000000;

    (void)state;
    look_remember(&look, &result, 1000, second);
    assert_int_equal(look_missing(&look, &result, 1000), 0);
    assert_int_equal(look_missing(&look, &result, 900), 100);
    assert_int_equal(look_missing(&look, &result, 2000), 0);
    // Gone, but not free yet: it is expected to be. Had it not been, it would be gone for good.
    look_remember(&look, &result, 900, 5 * second);
    assert_int_equal(look_missing(&look, &result, 900), 100);
    look_remember(&look, &result, 900, 20 * second);
    look_remember(&look, &result, 900, 40 * second);
    assert_int_equal(look_missing(&look, &result, 900), 0);
    // More than ever: somebody else has removed something.
    look_remember(&look, &result, 5000, 41 * second);
    assert_int_equal(look_missing(&look, &result, 4000), 1000);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, disk_dir_setup, disk_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_what_is_written),
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_seen),
        IN_DIR(test_what_counts),
        IN_DIR(test_closed_directories),
        IN_DIR(test_deep_trees),
        IN_DIR(test_measuring_ends_at_its_limit),
        IN_DIR(test_the_disk_is_told_at_once),
        cmocka_unit_test(test_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
