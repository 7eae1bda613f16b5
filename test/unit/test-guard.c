// SPDX-License-Identifier: MIT

// The guard of a build against all who would write more than they may.

#include "unit.h"

#include "disk-dir.h"
#include "guard-writers.h"
#include "measured-tree.h"

#include "base/tree.h"
#include "guard/guard.h"
#include "sandbox.h"

#define HIDDEN_BYTES      (16u * MIB)
#define OTHERS_BYTES      (1536u * MIB)
#define OTHERS_FILE_BYTES (256u * MIB)
#define LOWER_BYTES       (4u * MIB)
#define BEYOND_BYTES      (64u * MIB) // that a writer may have got beyond its limit

// What a run in a sandbox came to.
struct outcome {
    _Atomic uint64_t    written;
    _Atomic bool        is_there, are_others_done;
    struct measured     size;
    struct guard_counts counts;
    char                message[ERROR_MESSAGE_MAX]; // empty: nothing was wrong
};

struct place {
    char overlay[96], cache[96];
};

static void make_dir(const struct unit_dir *dir, const char *name)
{
    assert_int_equal(mkdirat(dir->fd, name, 0700), 0);
    if (geteuid() == 0)
        assert_int_equal(fchownat(dir->fd, name, SANDBOX_UID, SANDBOX_UID, 0), 0);
}

// False: it cannot be mounted here, since this is an overlay already.
static bool mount_overlay(const struct place *place, const struct unit_dir *dir)
{
    char options[320];

    for (const char *const *name = (const char *const[]){ "lower", "upper", "work", NULL }; *name;
         name++)
        make_dir(dir, *name);
    make_file(dir->fd, "lower/lower", LOWER_BYTES);
    assert_int_equal(fchownat(dir->fd, "lower/lower", SANDBOX_UID, SANDBOX_UID, 0), 0);
    (void)snprintf(options, sizeof options,
                   "userxattr,lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir->path,
                   dir->path, dir->path);
    return mount("test", place->overlay, "overlay", 0, options) == 0;
}

static void place_remove(const struct place *place, const struct unit_dir *dir)
{
    static const char *const names[] = { "overlay", "cache", "lower", "upper", "work" };
    struct error             err = { 0 };

    (void)umount(place->overlay); // if it is mounted; removing does not work else
    (void)umount(place->cache);
    for (size_t i = 0; i < ELEMENTS(names); i++)
        if (tree_remove(dir->fd, names[i], &err) < 0)
            fail_msg("%s", err.message);
}

// False: it is not to be had here.
static bool place_make(struct place *ret, const struct unit_dir *dir, enum where where)
{
    if (where != ON_DISK && geteuid() != 0)
        return false;
    (void)snprintf(ret->overlay, sizeof ret->overlay, "%s/overlay", dir->path);
    (void)snprintf(ret->cache, sizeof ret->cache, "%s/cache", dir->path);
    assert_int_equal(chmod(dir->path, 0711), 0);
    make_dir(dir, "overlay");
    make_dir(dir, "cache");
    if (where == IN_MEMORY) {
        assert_int_equal(mount("test", ret->overlay, "tmpfs", 0, "size=512M,mode=777"), 0);
        assert_int_equal(mount("test", ret->cache, "tmpfs", 0, "size=300M,mode=777"), 0);
    }
    if (where == OVER && !mount_overlay(ret, dir)) {
        place_remove(ret, dir);
        return false;
    }
    return true;
}

// A writer that waits until it is watched. It has become like a program of its own by then.
static void start_writer(const struct writer *writer, int *ret_gate_fd)
{
    int  ready[2], gate[2];
    char byte = 0;

    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(gate, O_CLOEXEC) < 0)
        die("making pipes");
    pid_t pid = fork();
    if (pid < 0)
        die("forking");
    if (pid == 0) {
        sandbox_settle();
        (void)close(gate[1]);
        if (write(ready[1], &byte, 1) != 1 || read(gate[0], &byte, 1) != 1)
            _exit(1);
        writer->run();
        _exit(0);
    }
    if (read(ready[0], &byte, 1) != 1)
        die("waiting for a writer");
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(gate[0]);
    *ret_gate_fd = gate[1];
}

static void be_watcher(struct outcome *ret, const struct writer *writer, const struct place *place)
{
    struct guard           *guard = NULL;
    struct error            err = { 0 };
    int                     gate_fd = -1;
    const struct guard_spec spec = { .roots = { place->overlay, place->cache },
                                     .bytes_max = LIMIT_BYTES,
                                     .entries_max = writer->entries_max,
                                     .hidden_max_bytes = HIDDEN_BYTES,
                                     .free_min_bytes = MIB };

    if (chdir(place->overlay) < 0)
        die("changing the directory");
    start_writer(writer, &gate_fd);
    if (guard_start(&guard, &spec, &err) < 0 || write(gate_fd, "", 1) != 1)
        die(err.message);
    while (wait(NULL) > 0 || errno != ECHILD)
        ;
    (void)!guard_finish(guard, &ret->size, &err); // the message says it
    ret->counts = guard_counts(guard);
    memcpy(ret->message, err.message, sizeof ret->message);
    guard_free(guard);
}

static void run_writer(struct outcome *ret, const struct writer *writer, enum sandbox_kind kind,
                       const struct place *place)
{
    written = &ret->written;
    is_there = &ret->is_there;
    are_others_done = &ret->are_others_done;
    pid_t pid = sandbox_fork(kind);
    assert_true(pid >= 0);
    if (pid == 0) {
        sandbox_enter(kind);
        be_watcher(ret, writer, place);
        _exit(0);
    }
    int code = sandbox_wait(pid);
    if (code != 0)
        fail_msg("%s: it ended with %d", writer->name, code);
}

static void check_writer(const struct outcome *outcome, const struct writer *writer,
                         enum sandbox_kind kind, const struct place *place)
{
    const char *want = writer->want ? writer->want : "";
    uint64_t    most = LIMIT_BYTES + BEYOND_BYTES;

    if (strncmp(outcome->message, want, strlen(want)) != 0 || (!*want && *outcome->message))
        fail_msg("%s (%d): '%s'", writer->name, (int)kind, outcome->message);
    if (!*want || !outcome->counts.is_prompt)
        return;
    AUTO_FD overlay = open(place->overlay, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD cache = open(place->cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (strcmp(want, DEEP) != 0 && measure_dir(overlay).bytes + measure_dir(cache).bytes > most)
        fail_msg("%s (%d): it has grown to %u MiB", writer->name, (int)kind,
                 (unsigned)((measure_dir(overlay).bytes + measure_dir(cache).bytes) / MIB));
    if (outcome->written > most)
        fail_msg("%s (%d): it wrote %u MiB", writer->name, (int)kind,
                 (unsigned)(outcome->written / MIB));
}

static void test_writers(void **state)
{
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(outcome != MAP_FAILED);
    for (int kind = 0; kind < SANDBOX_KINDS; kind++)
        for (size_t i = 0; i < ELEMENTS(writers); i++) {
            struct place place;
            if (!sandbox_is_possible(kind) || (kind == SANDBOX_PLAIN && !writers[i].is_plain) ||
                !place_make(&place, *state, writers[i].where))
                continue;
            memset(outcome, 0, sizeof *outcome);
            run_writer(outcome, &writers[i], kind, &place);
            check_writer(outcome, &writers[i], kind, &place);
            place_remove(&place, *state);
        }
    assert_int_equal(munmap(outcome, sizeof *outcome), 0);
}

// Beside the sandbox: as fast as it can, until it has written OTHERS_BYTES in all.
static pid_t start_others(const struct unit_dir *dir, struct outcome *outcome)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (chdir(dir->path) < 0)
        die("changing the directory");
    static _Atomic uint64_t mine;
    written = &mine;
    while (!atomic_load(&outcome->is_there))
        (void)usleep(1000);
    int fd = create("others");
    for (unsigned i = 0; i < OTHERS_BYTES / OTHERS_FILE_BYTES; i++) {
        if (ftruncate(fd, 0) < 0)
            die("truncating");
        (void)lseek(fd, 0, SEEK_SET);
        write_some(fd, OTHERS_FILE_BYTES);
    }
    (void)unlink("others");
    atomic_store(&outcome->are_others_done, true);
    _exit(0);
}

// Who is near its limit, and below it, goes on whatever others do to the same disk.
static void test_what_others_write(void **state)
{
    static const struct writer writer = { "a bystander", bystander, NULL, 0, ON_DISK, true };
    struct outcome            *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(outcome != MAP_FAILED);
    for (int kind = 0; kind < SANDBOX_KINDS; kind++) {
        struct place place;
        if (!sandbox_is_possible(kind) || !place_make(&place, *state, ON_DISK))
            continue;
        memset(outcome, 0, sizeof *outcome);
        pid_t others = start_others(*state, outcome);
        run_writer(outcome, &writer, kind, &place);
        atomic_store(&outcome->is_there, true); // if it did not come so far
        assert_int_equal(sandbox_wait(others), 0);
        check_writer(outcome, &writer, kind, &place);
        assert_true(outcome->size.bytes <= LIMIT_BYTES);
        place_remove(&place, *state);
    }
    assert_int_equal(munmap(outcome, sizeof *outcome), 0);
}

// It could not tell whom to stop.
static void test_the_proc_of_others(void **state)
{
    const struct unit_dir *dir = *state;

    if (!sandbox_is_possible(SANDBOX_INIT))
        skip();
    pid_t pid = sandbox_fork(SANDBOX_INIT);
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct guard_spec spec = { .roots = { dir->path }, .bytes_max = UINT32_MAX };
        struct guard           *guard = NULL;
        struct error            err = { 0 };
        int                     r = guard_start(&guard, &spec, &err);
        _exit(r < 0 && strcmp(err.message, "/proc is that of other processes") == 0 ? 0 : 1);
    }
    assert_int_equal(sandbox_wait(pid), 0);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, disk_dir_setup, disk_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_writers),
        IN_DIR(test_what_others_write),
        IN_DIR(test_the_proc_of_others),
    };

    // What is mounted here is nobody else's.
    if (geteuid() == 0 &&
        (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
