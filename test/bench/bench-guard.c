// SPDX-License-Identifier: MIT
// bench-guard: what it costs to watch what a builder writes, and how far one gets beyond its limit.
//
// usage: bench-guard DIRECTORY LEFT4ME-SCRIPT; as root, the directory empty and on a real file
// system. Prints "NAME: NUMBER UNIT" lines.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include "../unit/sandbox.h"
#include "base/protocol.h"
#include "base/tree.h"
#include "guard/guard.h"

#define MIB         (1u << 20)
#define LIMIT_BYTES ((uint64_t)256 << 20)
#define RUNS        20u
#define STARTS      15u
#define MANY_FILES  100000u
#define IDLE_MS     3000u
#define SCRIPT      "echo here\n"

static const char *root, *program;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static const char *path(const char *name)
{
    static char paths[4][300];
    static int  next;
    char       *ret = paths[next++ % 4];

    (void)snprintf(ret, sizeof *paths, "%s/%s", root, name);
    return ret;
}

static void make_dir(const char *name, mode_t mode)
{
    if (mkdir(path(name), mode) < 0 && errno != EEXIST)
        die(name);
    if (chmod(path(name), mode) < 0)
        die(name);
}

static void empty_dir(const char *name)
{
    struct error err = { 0 };
    int          fd = open(path(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || tree_empty(fd, &err) < 0)
        die(err.message);
    (void)close(fd);
}

static void print_spread(const char *name, double *values, size_t n, const char *unit)
{
    qsort(values, n, sizeof *values, compare);
    (void)printf("%s, median: %.2f %s\n%s, most: %.2f %s\n", name, values[n / 2], unit, name,
                 values[n - 1], unit);
    (void)fprintf(stderr, "%s, all:", name);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(stderr, " %.1f", values[i]);
    (void)fputc('\n', stderr);
}

// ---- how far beyond ---------------------------------------------------------------------------

static _Noreturn void write_for_ever(const char *name)
{
    static const char zeros[MIB];
    int               fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    while (fd >= 0 && write(fd, zeros, sizeof zeros) > 0)
        ;
    _exit(1);
}

static _Noreturn void be_writers(unsigned n)
{
    char name[32];

    sandbox_settle();
    for (unsigned i = 1; i < n; i++)
        if (fork() == 0) {
            (void)snprintf(name, sizeof name, "file%u", i);
            write_for_ever(name);
        }
    write_for_ever("file0");
}

static double beyond_mib(unsigned n_writers)
{
    const char *overlay = path("root/overlay"), *cache = path("root/cache");
    pid_t       pid = sandbox_fork(SANDBOX_INIT);

    if (pid < 0)
        die("making namespaces");
    if (pid == 0) {
        const struct guard_spec spec = { .roots = { overlay, cache }, .bytes_max = LIMIT_BYTES };
        struct guard           *guard = NULL;
        struct measured         size;
        struct error            err = { 0 };
        sandbox_enter(SANDBOX_INIT);
        if (chdir(overlay) < 0 || guard_start(&guard, &spec, &err) < 0)
            _exit(2);
        if (fork() == 0)
            be_writers(n_writers);
        while (wait(NULL) > 0 || errno != ECHILD)
            ;
        _exit(guard_finish(guard, &size, &err) < 0 ? 0 : 3);
    }
    if (sandbox_wait(pid) != 0)
        die("watching");
    struct measure *measure = NULL;
    struct error    err = { 0 };
    int             fd = open(overlay, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || measure_new(&measure, MEASURE_ENTRIES_MAX, &err) < 0)
        die("measuring");
    measure_begin(measure);
    if (measure_add_tree(measure, fd, &err) < 0)
        die(err.message);
    double size = (double)measure_sum(measure).bytes;
    (void)close(fd);
    measure_free(measure);
    return (size - (double)LIMIT_BYTES) / MIB;
}

static void bench_beyond(const char *name, unsigned n_writers)
{
    double beyond[RUNS];

    for (unsigned i = 0; i < RUNS; i++) {
        beyond[i] = beyond_mib(n_writers);
        empty_dir("root/overlay");
    }
    print_spread(name, beyond, RUNS, "MiB");
}

// ---- what it costs ----------------------------------------------------------------------------

static double cpu_ms(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage); // cannot fail
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

// In this process, which does nothing else. `writes`: somebody else does, and removes it again.
static void bench_cost(const char *name, bool writes)
{
    const struct guard_spec spec = { .roots = { path("root/overlay"), path("root/cache") },
                                     .bytes_max = (uint64_t)4 << 30 };
    struct guard           *guard = NULL;
    struct measured         size;
    struct error            err = { 0 };
    double                  began_ms = now_ms();

    if (guard_start(&guard, &spec, &err) < 0)
        die(err.message);
    double measured_ms = now_ms() - began_ms, cpu_began_ms = cpu_ms();
    began_ms = now_ms();
    pid_t pid = writes ? fork() : 0;
    if (writes && pid == 0)
        for (;;) {
            static char command[400];
            (void)snprintf(command, sizeof command, "head -c 256M /dev/zero >%s && rm %s",
                           path("root/cache/file"), path("root/cache/file"));
            if (system(command) != 0)
                _exit(1);
        }
    while (now_ms() - began_ms < IDLE_MS * (writes ? 3 : 1))
        (void)usleep(100000);
    double spent_ms = cpu_ms() - cpu_began_ms, wall_ms = now_ms() - began_ms;
    if (writes)
        (void)kill(pid, SIGKILL);
    struct guard_counts counts = guard_counts(guard);
    while (writes && wait(NULL) > 0)
        ;
    if (!writes && guard_finish(guard, &size, &err) < 0)
        die(err.message);
    guard_free(guard);
    (void)printf("%s, processor: %.2f %%\n%s, samples: %.0f a second\n", name,
                 spent_ms / wall_ms * 100, name, (double)counts.samples / wall_ms * 1000);
    (void)printf("%s, longest between two: %.1f ms\n", name, (double)counts.late_us / 1000);
    (void)printf("%s, one measurement: %.1f ms\n", name, measured_ms);
    if (writes)
        (void)printf("%s, stopped: %.2f %%\n", name, (double)counts.stopped_us / wall_ms / 10);
}

static void make_many(void)
{
    char name[300];

    for (unsigned i = 0; i < MANY_FILES; i++) {
        if (i % 100 == 0) {
            (void)snprintf(name, sizeof name, "root/overlay/d%u", i / 100);
            make_dir(name, 0755);
        }
        (void)snprintf(name, sizeof name, "%s/root/overlay/d%u/f%u", root, i / 100, i);
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, "x", 1) != 1)
            die(name);
        (void)close(fd);
    }
}

// ---- until the first line ---------------------------------------------------------------------

// A root as the unit has it, with the machine's programs.
static void make_root(void)
{
    static const char *const links[] = { "bin", "lib", "lib64", "sbin" };
    static const char *const dirs[] = { "root",        "root/usr",   "root/proc",
                                        "root/dev",    "root/run",   "root/tmp",
                                        "root/source", "root/cache", "root/overlay" };
    char                     name[32], target[32];

    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        make_dir(dirs[i], i >= 5 ? 0777 : 0755);
    for (size_t i = 0; i < ELEMENTS(links); i++) {
        (void)snprintf(name, sizeof name, "root/%s", links[i]);
        (void)snprintf(target, sizeof target, "usr/%s", links[i]);
        if (symlink(target, path(name)) < 0)
            die(name);
    }
    int fd = open(path("root/source/script"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, SCRIPT, strlen(SCRIPT)) < 0 ||
        chmod(path("root/source/script"), 0644) < 0)
        die("writing a script");
    (void)close(fd);
    const struct build_spec build = { PROTOCOL_MAGIC,    sizeof build, 1, BUILD_SCRIPT, 2, 0, 1, 1,
                                      OUTPUT_MAX_DEFAULT };
    fd = open(path("root/run/build"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, &build, sizeof build) != (ssize_t)sizeof build)
        die("writing a spec");
    (void)close(fd);
    fd = open(path("root/program"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0)
        die("making a mount point");
    (void)close(fd);
}

static _Noreturn void enter_and_run(char *const argv[], int out_fd)
{
    // Bound, not copied, and only in this namespace.
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("/usr", path("root/usr"), NULL, MS_BIND, NULL) < 0 ||
        mount("/dev", path("root/dev"), NULL, MS_BIND, NULL) < 0 ||
        mount(program, path("root/program"), NULL, MS_BIND, NULL) < 0 ||
        mount("proc", path("root/proc"), "proc", 0, NULL) < 0 || chroot(path("root")) < 0 ||
        chdir("/") < 0 || dup2(out_fd, STDOUT_FILENO) < 0)
        die("entering");
    sandbox_drop();
    double began_ms = now_ms();
    if (write(STDOUT_FILENO, &began_ms, sizeof began_ms) != (ssize_t)sizeof began_ms)
        die("telling");
    execv(argv[0], argv);
    die(argv[0]);
}

// From the moment in which the program is executed until it has printed a line.
static double start_ms(char *const argv[])
{
    int    ends[2];
    double began_ms = 0;
    char   rest[4096];

    if (pipe2(ends, O_CLOEXEC) < 0)
        die("making a pipe");
    pid_t pid = sandbox_fork(SANDBOX_INIT);
    if (pid < 0)
        die("making namespaces");
    if (pid == 0)
        enter_and_run(argv, ends[1]);
    (void)close(ends[1]);
    if (read(ends[0], &began_ms, sizeof began_ms) != (ssize_t)sizeof began_ms ||
        read(ends[0], rest, sizeof rest) <= 0)
        die("reading");
    double took_ms = now_ms() - began_ms;
    while (read(ends[0], rest, sizeof rest) > 0)
        ;
    (void)close(ends[0]);
    if (sandbox_wait(pid) != 0)
        die("running");
    return took_ms;
}

static void bench_start(const char *name, char *const argv[])
{
    double took[STARTS];

    for (unsigned i = 0; i < STARTS; i++)
        took[i] = start_ms(argv);
    print_spread(name, took, STARTS, "ms");
}

int main(int argc, char **argv)
{
    static char ours_program[] = "/program", bash[] = "/bin/bash", script[] = "/source/script";
    char *const ours[] = { ours_program, NULL }, *const bare[] = { bash, script, NULL };

    if (argc != 3) {
        (void)fputs("usage: bench-guard DIRECTORY LEFT4ME-SCRIPT\n", stderr);
        return 2;
    }
    root = argv[1];
    program = argv[2];
    (void)umask(0);
    if (chmod(root, 0755) < 0)
        die(root);
    make_root();
    bench_start("bash until its first line", bare);
    bench_start("left4me-script until the first line", ours);
    bench_cost("an empty overlay", false);
    bench_beyond("one writer beyond its limit", 1);
    bench_beyond("eight writers beyond their limit", 8);
    make_many();
    bench_start("left4me-script until the first line, 100,000 files", ours);
    bench_cost("100,000 files, nothing happens", false);
    bench_cost("100,000 files, somebody writes", true);
    return 0;
}
