// SPDX-License-Identifier: MIT
#pragma once

// Files that others share, each to be changed in a way of its own.

#include "inside-system.h"

#define ALTERED "altered\n"

static int alter_write(const char *path)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? -1 : (int)write(fd, ALTERED, sizeof ALTERED - 1);
}

static int alter_append(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    return fd < 0 ? -1 : (int)write(fd, ALTERED, sizeof ALTERED - 1);
}

static int alter_truncate(const char *path)
{
    return open(path, O_WRONLY | O_TRUNC) < 0 ? -1 : 0;
}

static int alter_truncate_by_name(const char *path)
{
    return truncate(path, 3);
}

static int alter_map(const char *path)
{
    int   fd = open(path, O_RDWR);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

// What was mapped to be read, changed behind the back of its protection.
static int alter_map_read_only(const char *path)
{
    int   fd = open(path, O_RDONLY), memory = open("/proc/self/mem", O_RDWR);
    char *bytes = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    if (pwrite(memory, ALTERED, 4, (off_t)(uintptr_t)bytes) == 4)
        return 0;
    if (mprotect(bytes, 4096, PROT_READ | PROT_WRITE) < 0)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

static int alter_map_private(const char *path)
{
    int   fd = open(path, O_RDONLY);
    char *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return -1;
    memcpy(bytes, ALTERED, 4);
    return msync(bytes, 4096, MS_SYNC);
}

// Opened to be read, opened again to be written by the name in /proc.
static int alter_reopen(const char *path)
{
    char link[64];
    int  fd = open(path, O_RDONLY);

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return alter_write(link);
}

static int alter_copy_range(const char *path)
{
    int from = open("source", O_RDONLY), to = open(path, O_WRONLY);

    return (int)copy_file_range(from, NULL, to, NULL, 4, 0);
}

static int alter_clone(const char *path)
{
    int from = open("source", O_RDONLY), to = open(path, O_WRONLY);

    return ioctl(to, _IOW(0x94, 9, int), from); // FICLONE
}

static int alter_splice(const char *path)
{
    int pipes[2], to = open(path, O_WRONLY);

    if (to < 0 || pipe(pipes) < 0 || write(pipes[1], ALTERED, 4) < 0)
        return -1;
    return (int)splice(pipes[0], NULL, to, NULL, 4, 0);
}

static int alter_punch(const char *path)
{
    int fd = open(path, O_WRONLY);

    return fd < 0 ? -1 : fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4);
}

static int alter_mode(const char *path)
{
    return chmod(path, 0777);
}

static int alter_times(const char *path)
{
    return utimensat(AT_FDCWD, path, (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0);
}

static int alter_owner(const char *path)
{
    return chown(path, getuid(), getgid());
}

static int alter_attribute(const char *path)
{
    return setxattr(path, "user.altered", "x", 1, 0);
}

// By a descriptor that is open to be read only: immutable, and then others.
static int alter_flags(const char *path)
{
    int fd = open(path, O_RDONLY), flags = 0x10, weak = 0x40 | 0x80; // IMMUTABLE; NODUMP, NOATIME

    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 ? 0 : ioctl(fd, FS_IOC_SETFLAGS, &weak);
}

static int alter_link(const char *path)
{
    char name[256];

    snprintf(name, sizeof name, "%s-link", path);
    return link(path, name) < 0 ? -1 : alter_write(name);
}

static int alter_replace(const char *path)
{
    int fd = open("new", O_WRONLY | O_CREAT, 0644);

    return fd < 0 || write(fd, ALTERED, sizeof ALTERED - 1) < 0 ? -1 : rename("new", path);
}

static int alter_rename(const char *path)
{
    char name[256];

    snprintf(name, sizeof name, "%s-renamed", path);
    return rename(path, name) < 0 ? -1 : alter_write(name);
}

static int alter_exchange(const char *path)
{
    int fd = open("other", O_WRONLY | O_CREAT, 0644);

    if (fd < 0 || write(fd, ALTERED, sizeof ALTERED - 1) < 0)
        return -1;
    return renameat2(AT_FDCWD, "other", AT_FDCWD, path, RENAME_EXCHANGE) < 0 ? -1
                                                                             : alter_write("other");
}

static int alter_remove(const char *path)
{
    return unlink(path);
}

static int alter_uring(const char *path)
{
    return (int)uring_open(path, 0644);
}

// DIRECTORY: changes the files in it, each in the way that its name says.
static void attack_alter(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*alter)(const char *path);
    } ways[] = {
        { "write", alter_write },
        { "append", alter_append },
        { "truncate", alter_truncate },
        { "truncate-by-name", alter_truncate_by_name },
        { "map", alter_map },
        { "map-read-only", alter_map_read_only },
        { "map-private", alter_map_private },
        { "reopen", alter_reopen },
        { "copy-range", alter_copy_range },
        { "clone", alter_clone },
        { "splice", alter_splice },
        { "punch", alter_punch },
        { "mode", alter_mode },
        { "times", alter_times },
        { "owner", alter_owner },
        { "attribute", alter_attribute },
        { "flags", alter_flags },
        { "link", alter_link },
        { "replace", alter_replace },
        { "rename", alter_rename },
        { "exchange", alter_exchange },
        { "remove", alter_remove },
        { "uring", alter_uring },
    };

    if (argc < 1 || chdir(argv[0]) < 0)
        return;
    for (size_t i = 0; i < ELEMENTS(ways); i++)
        tell(ways[i].name, ways[i].alter(ways[i].name));
}
