// SPDX-License-Identifier: MIT
#include "unit.h"

#include "disk-dir.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include "base/tree.h"
#include "guard/disk.h"
#include "guard/guard.h"
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

static void make_file(int dir_fd, const char *name, size_t n_bytes)
{
    static const char zeros[65536];
    AUTO_FD           fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    for (size_t at = 0; at < n_bytes; at += sizeof zeros)
        assert_true(write(fd, zeros, MIN(sizeof zeros, n_bytes - at)) > 0);
}

static struct measured measure_dir(int dir_fd)
{
    struct measure *measure = NULL;
    struct error    err = { 0 };

    assert_int_equal(measure_new(&measure, MEASURE_ENTRIES_MAX, &err), 0);
    measure_begin(measure);
    if (measure_add_tree(measure, dir_fd, &err) < 0)
        fail_msg("%s", err.message);
    struct measured sum = measure_sum(measure);
    measure_free(measure);
    return sum;
}

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

// ---- the guard against writers ----------------------------------------------------------------

// What a writer tells: how much it has written, whatever became of it.
static _Atomic uint64_t *written;

// Between the bystander and the others.
static _Atomic bool *is_there, *are_others_done;

#define LIMIT_BYTES (16u * MIB)

static void die(const char *what)
{
    (void)dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(90);
}

static int create(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0)
        die(name);
    return fd;
}

static void write_some(int fd, size_t n)
{
    static const char zeros[MIB];

    while (n > 0) {
        ssize_t done = write(fd, zeros, MIN(n, sizeof zeros));
        if (done <= 0)
            die("writing");
        n -= (size_t)done;
        atomic_fetch_add(written, (uint64_t)done);
    }
}

static void write_for_ever(int fd)
{
    for (;;)
        write_some(fd, MIB);
}

static void one_file(void)
{
    write_for_ever(create("file"));
}

static void one_write(void)
{
    size_t      n = 256u * (size_t)MIB;
    const void *zeros = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (zeros == MAP_FAILED)
        die("mapping");
    for (int fd = create("file"); write(fd, zeros, n) > 0;)
        ;
    die("writing");
}

static void small_files(void)
{
    char name[32];

    for (unsigned i = 0;; i++) {
        (void)snprintf(name, sizeof name, "file%u", i);
        int fd = create(name);
        write_some(fd, MIB / 8);
        (void)close(fd);
    }
}

static void several_writers(void)
{
    char name[32];

    for (unsigned i = 0; i < 7; i++)
        if (fork() == 0) {
            (void)snprintf(name, sizeof name, "file%u", i);
            write_for_ever(create(name));
        }
    write_for_ever(create("file"));
}

static void filled_sparse_file(void)
{
    int fd = create("file");

    if (ftruncate(fd, (off_t)1 << 40) < 0)
        die("making a sparse file");
    for (off_t at = 0;; at += 16 * MIB) {
        (void)lseek(fd, at, SEEK_SET);
        write_some(fd, MIB / 4);
    }
}

static void mapped_sparse_file(void)
{
    size_t n = (size_t)1 << 30;
    int    fd = create("file");

    if (ftruncate(fd, (off_t)n) < 0)
        die("making a sparse file");
    char *bytes = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (size_t at = 0; bytes != MAP_FAILED && at < n; at += 4096) {
        bytes[at] = 'x';
        atomic_fetch_add(written, 4096);
    }
    die("mapping");
}

// In one call; a script cannot do that, see test-script.
static void preallocation(void)
{
    int fd = create("file");

    if (fallocate(fd, 0, 0, 64 * MIB) < 0)
        write_for_ever(fd); // the file system cannot do it
    for (;;)
        (void)pause();
}

static int removed(const char *name)
{
    int fd = create(name);

    if (unlink(name) < 0)
        die("removing");
    return fd;
}

static void removed_file(void)
{
    write_for_ever(removed("file"));
}

// In the descriptors of a second task alone.
static int in_a_task(void *user)
{
    (void)user;
    one_file();
    return 0;
}

static void file_of_a_task(void)
{
    static char stack[256 << 10] __attribute__((aligned(16)));

    if (clone(in_a_task, stack + sizeof stack, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL) < 0)
        die("cloning");
    for (;;) {
        (void)unlink("file");
        (void)usleep(1000);
    }
}

static void the_cache(void)
{
    if (chdir("../cache") < 0)
        die("changing the directory");
    one_file();
}

static void closed_directory(void)
{
    if (mkdir("closed", 0700) < 0)
        die("making a directory");
    int fd = create("closed/file");
    if (chmod("closed", 0) < 0)
        die("closing a directory");
    write_for_ever(fd);
}

// Deaf to everything that can be blocked, and starting others all the time.
static void deaf_forker(void)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    for (int fd = create("file");;) {
        if (fork() != 0)
            _exit(0); // and the child goes on as somebody else's
        (void)setsid();
        write_some(fd, MIB);
    }
}

static void names_without_end(void)
{
    char name[32];

    for (unsigned i = 0;; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        (void)close(create(name));
    }
}

static void names_of_one_file(void)
{
    char name[32];

    (void)close(create("file"));
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        if (link("file", name) < 0)
            die("linking");
    }
}

static void a_little_too_much(void)
{
    write_some(create("file"), 17 * MIB);
}

static void deep_directories(void)
{
    for (unsigned i = 0; i < 300; i++)
        if (mkdir("d", 0700) < 0 || chdir("d") < 0)
            die("making directories");
}

// Much in all, and little at a time.
static void rewriting(void)
{
    for (unsigned i = 0; i < 24; i++) {
        int fd = create("file");
        write_some(fd, 4 * MIB);
        (void)close(fd);
        if (unlink("file") < 0)
            die("removing");
    }
}

static void hard_links_and_holes(void)
{
    int fd = create("file");

    write_some(fd, 4 * MIB);
    names_of_one_file();
    if (ftruncate(create("sparse"), (off_t)1 << 40) < 0)
        die("making a sparse file");
}

// It becomes the upper layer's, and is removed there.
static void file_below(void)
{
    write_for_ever(removed("lower"));
}

// ---- those that hide

static void unreadable(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        die("hiding");
    removed_file();
}

static void mapped_only(void)
{
    for (unsigned i = 0;; i++) {
        int   fd = removed("file");
        void *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED)
            die("mapping");
        write_some(fd, MIB / 4);
        (void)close(fd);
    }
}

static void send_away(int socket_fd, int fd)
{
    char         byte = 'x';
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr header;
        char           space[CMSG_SPACE(sizeof(int))];
    } control = { .header = { .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(sizeof fd) } };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (sendmsg(socket_fd, &msg, 0) < 0)
        die("sending");
}

static void in_flight(void)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
        die("making sockets");
    for (unsigned i = 0;; i++) {
        int fd = removed("file");
        write_some(fd, MIB);
        if (i % 8 == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
            die("making sockets");
        send_away(ends[0], fd);
        (void)close(fd);
    }
}

// Each has a port, although nobody is asked anything. As many as there may be descriptors, in as
// many processes as it takes.
static void ports_without_end(void)
{
    const struct sockaddr_in nobody = { .sin_family = AF_INET,
                                        .sin_port = htons(9),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    for (unsigned i = 0; i < 11; i++) {
        if (fork() != 0)
            continue;
        for (unsigned n = 0; n < 100; n++) {
            int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            if (fd < 0 || connect(fd, (const struct sockaddr *)&nobody, sizeof nobody) < 0)
                die("taking a port");
        }
        for (;;)
            (void)pause();
    }
    for (;;)
        (void)pause();
}

// So many are nothing, whoever has inherited them.
static void inherited_ports(void)
{
    const struct timespec second = { .tv_sec = 1, .tv_nsec = 300000000 };

    for (unsigned n = 0; n < 100; n++)
        if (socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0)
            die("making a socket");
    for (unsigned i = 0; i < 15; i++)
        if (fork() == 0)
            break;
    (void)nanosleep(&second, NULL); // they are counted meanwhile
}

// Has nearly all it may have, and goes on with what it has until the others are done.
static void bystander(void)
{
    int fd = create("file");

    write_some(fd, LIMIT_BYTES - MIB / 2);
    atomic_store(is_there, true);
    for (unsigned i = 0; !atomic_load(are_others_done); i++) {
        if (pwrite(fd, &i, sizeof i, (off_t)(i % 4096) * (off_t)sizeof i) < 0)
            die("writing");
        (void)usleep(100);
    }
}

#define BEYOND "the output has grown beyond its limit of 16.0 MiB"
#define MANY   "the output has more than 100 files and directories"
#define DEEP   "the output has more than 256 directories within each other"
#define PORTS  "more than 1000 sockets are open"
#define HIDDEN "a process hides what it has open, and more space is gone than can be explained"

enum where {
    ON_DISK,
    IN_MEMORY, // what others do to the disk would matter, or it would take long
    OVER,      // over another tree, which has a file of LOWER_BYTES
};

static const struct writer {
    const char *name;
    void (*run)(void);
    const char *want;        // NULL: it may
    uint64_t    entries_max; // 0: as usual
    enum where  where;
    bool        is_plain; // also where the guard is no process 1, and has to find whom to stop
} writers[] = {
    { "one file", one_file, BEYOND, 0, ON_DISK, true },
    { "one write", one_write, BEYOND, 0, ON_DISK, true },
    { "small files", small_files, BEYOND, 0, ON_DISK, false },
    { "several writers", several_writers, BEYOND, 0, ON_DISK, true },
    { "a filled sparse file", filled_sparse_file, BEYOND, 0, ON_DISK, false },
    { "a mapped sparse file", mapped_sparse_file, BEYOND, 0, ON_DISK, false },
    { "preallocation", preallocation, BEYOND, 0, ON_DISK, false },
    { "a removed file", removed_file, BEYOND, 0, ON_DISK, true },
    { "a file of a task", file_of_a_task, BEYOND, 0, ON_DISK, false },
    { "the cache", the_cache, BEYOND, 0, ON_DISK, false },
    { "a closed directory", closed_directory, BEYOND, 0, ON_DISK, false },
    { "a deaf forker", deaf_forker, BEYOND, 0, ON_DISK, true },
    { "a little too much", a_little_too_much, BEYOND, 0, ON_DISK, true },
    { "names without end", names_without_end, MANY, 100, IN_MEMORY, false },
    { "names of one file", names_of_one_file, MANY, 100, ON_DISK, false },
    { "deep directories", deep_directories, DEEP, 0, ON_DISK, false },
    { "ports without end", ports_without_end, PORTS, 0, IN_MEMORY, true },
    { "inherited ports", inherited_ports, NULL, 0, IN_MEMORY, false },
    { "rewriting", rewriting, NULL, 0, IN_MEMORY, true },
    { "hard links and holes", hard_links_and_holes, NULL, 0, ON_DISK, true },
    { "unreadable", unreadable, HIDDEN, 0, IN_MEMORY, true },
    { "mapped only", mapped_only, HIDDEN, 0, IN_MEMORY, false },
    { "in flight", in_flight, HIDDEN, 0, IN_MEMORY, true },
    { "an overlay", one_file, BEYOND, 0, OVER, false },
    { "a removed file of an overlay", removed_file, BEYOND, 0, OVER, false },
    { "a file of the tree below", file_below, BEYOND, 0, OVER, false },
};

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
