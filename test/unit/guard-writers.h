// SPDX-License-Identifier: MIT
#pragma once

// guard-writers: what a script may try that is to stay within a limit, or to look as if it did.
// Each runs in a process of its own, which the guard ends.

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include "unit.h"

#define MIB (1u << 20)

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
