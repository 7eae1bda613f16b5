// SPDX-License-Identifier: MIT
// bench-publish: what it costs to publish a generation in which one file of many changed.
//
// usage: bench-publish DIRECTORY, which must be empty and on a real file system. Prints one line a
// case: files, bytes of the tree, changed bytes, milliseconds, new bytes on disk.

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/done.h"
#include "base/protocol.h"
#include "content/publish.h"

#define FILES_PER_DIR 20u
#define FILE_BYTES    32768u

static const struct {
    const char *name;
    uint32_t    n_files;
    uint32_t    n_changed;
} cases[] = {
    { "a first publication", 3000, 3000 },
    { "one file changed", 3000, 1 },
    { "a hundred files changed", 3000, 100 },
};

static char root[256];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void make_dir(const char *format, uint32_t a, uint32_t b)
{
    char below[256], path[600];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(below, sizeof below, format, a, b); // the formats are those in this file
#pragma GCC diagnostic pop
    (void)snprintf(path, sizeof path, "%s/%s", root, below);
    if (mkdir(path, 0755) < 0)
        die(path);
}

// Writes file number `i` of build `build`; `salt` makes its bytes differ.
static void make_file(uint32_t build, uint32_t i, uint32_t salt)
{
    static char bytes[FILE_BYTES];
    char        path[600];

    for (size_t at = 0; at + 8 <= sizeof bytes; at += 8)
        memcpy(bytes + at, (uint32_t[]){ i * 2654435761u + salt, (uint32_t)at }, 8);
    (void)snprintf(path, sizeof path, "%s/builds/%" PRIu32 "/upper/d%" PRIu32 "/f%" PRIu32, root,
                   build, i / FILES_PER_DIR, i);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes)
        die(path);
    (void)close(fd); // it was written whole
}

static void make_build(uint32_t build, uint32_t n_files)
{
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, build, BUILD_UPDATE,      1,
                               build - 1,      build,       10,    OUTPUT_MAX_DEFAULT };
    struct error      err = { 0 };
    char              path[600];

    make_dir("builds/%" PRIu32, build, 0);
    make_dir("builds/%" PRIu32 "/upper", build, 0);
    for (uint32_t i = 0; i < n_files; i++) {
        if (i % FILES_PER_DIR == 0)
            make_dir("builds/%" PRIu32 "/upper/d%" PRIu32, build, i / FILES_PER_DIR);
        make_file(build, i, build);
    }
    (void)snprintf(path, sizeof path, "%s/builds/%" PRIu32 "/upper", root, build);
    int upper_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (upper_fd < 0 || done_mark(upper_fd, &err) < 0)
        die(path);
    (void)close(upper_fd); // it was only marked
    (void)snprintf(path, sizeof path, "%s/host/builds/%" PRIu32, root, build);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, &spec, sizeof spec) != (ssize_t)sizeof spec)
        die(path);
    (void)close(fd); // it was written whole
}

// Bytes on disk of directories, and of files with `links` names or fewer: those the base has not.
static uint64_t disk_bytes(int dir_fd, const char *name, nlink_t links)
{
    struct stat st;
    uint64_t    sum = 0;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        die(name);
    if (!S_ISDIR(st.st_mode))
        return st.st_nlink <= links ? (uint64_t)st.st_blocks * 512 : 0;
    DIR *dir = fdopendir(openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir)
        die(name);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            sum += disk_bytes(dirfd(dir), entry->d_name, links);
    (void)closedir(dir); // it was only read
    return sum + (uint64_t)st.st_blocks * 512;
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void run_case(uint32_t build, const char *name)
{
    char                  host[300], mounted[300], tree[300];
    struct publish_paths  paths = { root, host, mounted };
    struct watch          watch = { 0 };
    struct publish_result result;
    struct error          err = { 0 };

    (void)snprintf(host, sizeof host, "%s/host", root);
    (void)snprintf(mounted, sizeof mounted, "%s/mounted", root);
    (void)snprintf(tree, sizeof tree, "%s/overlays/1/%" PRIu32, root, build);
    sync(); // what the builder wrote has reached the disk while it ran
    double from = now_ms();
    if (publish(&result, build, &paths, &watch, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    double took = now_ms() - from;
    (void)printf("%-24s %6" PRIu64 " files %9.1f MB, %8.3f MB changed: %7.1f ms, "
                 "%8.3f MB on disk\n",
                 name, result.generation.files, (double)result.generation.bytes / 1e6,
                 (double)result.generation.bytes_changed / 1e6, took,
                 (double)disk_bytes(AT_FDCWD, tree, 1) / 1e6);
}

int main(int argc, char **argv)
{
    static const char *const dirs[] = { "overlays",       "overlays/1",  "builds", "host",
                                        "host/instances", "host/builds", "mounted" };

    if (argc != 2) {
        (void)fputs("usage: bench-publish DIRECTORY\n", stderr);
        return 2;
    }
    (void)snprintf(root, sizeof root, "%s", argv[1]);
    for (size_t i = 0; i < ELEMENTS(dirs); i++) {
        char path[600];
        (void)snprintf(path, sizeof path, "%s/%s", root, dirs[i]);
        if (mkdir(path, 0755) < 0)
            die(path);
    }
    for (uint32_t i = 0; i < ELEMENTS(cases); i++) {
        make_build(i + 1, cases[i].n_changed);
        run_case(i + 1, cases[i].name);
    }
    return 0;
}
