// SPDX-License-Identifier: MIT
#pragma once

// Files that are not to be seen, read or written, and traps in a tree of one's own.

#include "inside.h"

static void attack_read(int argc, char **argv)
{
    char bytes[64];

    for (int i = 0; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0) {
            say(argv[i], "blocked", "%s", strerrorname_np(errno));
            continue;
        }
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EISDIR) {
            DIR *dir = fdopendir(fd);
            int  n_entries = 0;
            while (dir && readdir(dir))
                n_entries++;
            say(argv[i], n_entries > 2 ? "done" : "blocked", "a directory of %d entries",
                n_entries - 2);
            continue;
        }
        if (n < 0)
            say(argv[i], "blocked", "reading: %s", strerrorname_np(errno));
        else
            say(argv[i], "done", "%zd bytes", n);
        close(fd);
    }
}

static void attack_write(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0644);
        tell(argv[i], fd < 0 ? -1 : write(fd, "x", 1));
        close(fd);
    }
}

static int make_file(const char *path, off64_t n_bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_LARGEFILE, 0644);
    int result = fd < 0 ? -1 : n_bytes ? ftruncate64(fd, n_bytes) : 0;

    close(fd);
    return result;
}

static int make_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    int result = bind(fd, (struct sockaddr *)&at, sizeof at);
    close(fd);
    return result;
}

static int make_deep(int depth)
{
    int result = 0;

    while (depth-- > 0 && result == 0)
        result = mkdir("deep", 0755) < 0 || chdir("deep") < 0 ? -1 : 0;
    return result;
}

// Leaves in a directory what is unpleasant to look at, and takes its place: ends far below it.
static void attack_traps(int argc, char **argv)
{
    static const char *const names[] = { "e\33[2J\33]0;owned\a", "line\n\r\t\177end",
                                         "back\\slash\"quote",   "\377\376",
                                         "c1\302\233m",          "\342\200\256txt" };
    char                     longest[256] = "";

    if (argc < 1 || (mkdir(argv[0], 0755) < 0 && errno != EEXIST) || chdir(argv[0]) < 0)
        return;
    tell("fifo", mkfifo("fifo", 0666));
    tell("socket", make_socket("socket"));
    tell("shadow", symlink("/etc/shadow", "shadow"));
    tell("etc", symlink("/etc", "etc"));
    tell("giant", make_file("giant", (off64_t)1 << 40));
    for (size_t i = 0; i < ELEMENTS(names); i++)
        tell("name", make_file(names[i], 0));
    memset(longest, 'n', sizeof longest - 1);
    tell("longest", make_file(longest, 0));
    tell("closed", mkdir("closed", 0));
    // In place of files of the game.
    tell("replaced by a link",
         unlink("../cfg/skill1.cfg") < 0 ? -1 : symlink("/etc/shadow", "../cfg/skill1.cfg"));
    tell("replaced by a fifo",
         unlink("../cfg/skill2.cfg") < 0 ? -1 : mkfifo("../cfg/skill2.cfg", 0666));
    tell("deep", make_deep(80));
}

static unsigned long n_scanned;

static void scan_file(const char *path, const char *marker)
{
    static char bytes[1 << 20];
    int         fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return;
    ssize_t n = read(fd, bytes, sizeof bytes);
    n_scanned++;
    if (n > 0 && memmem(bytes, (size_t)n, marker, strlen(marker)))
        say(path, "done", "the marker is readable");
    close(fd);
}

// Looks into every file below `path` that it may read. In /proc only what leads out of it.
static void scan(const char *path, const char *marker, unsigned depth)
{
    static const char *const skipped[] = { "/sys", "/usr", "/proc/sys", "/proc/kcore" };
    char                     below[4096];
    struct stat              st;

    for (size_t i = 0; i < ELEMENTS(skipped); i++)
        if (strcmp(path, skipped[i]) == 0)
            return;
    DIR *dir = depth < 24 ? opendir(path) : NULL;
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
        if (strstr(entry->d_name, marker))
            say(below, "done", "the marker is visible");
        if (lstat(below, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && strcmp(entry->d_name, "task") != 0)
            scan(below, marker, depth + 1);
        else if (S_ISREG(st.st_mode) && strcmp(entry->d_name, "pagemap") != 0)
            scan_file(below, marker);
    }
    closedir(dir);
}

// The marker comes reversed, or we would find it in our own arguments.
static void attack_scan(int argc, char **argv)
{
    char   marker[64] = "";
    size_t n = argc > 0 ? strlen(argv[0]) : 0;

    for (size_t i = 0; i < n && i < sizeof marker - 1; i++)
        marker[i] = argv[0][n - 1 - i];
    for (int i = 1; i < argc; i++)
        scan(argv[i], marker, 0);
    say("all of it", "note", "%lu files were readable", n_scanned);
}

static void attack_roots(int argc, char **argv)
{
    char        path[512];
    struct stat mine, st;
    DIR        *dir = opendir("/proc");

    (void)argc;
    (void)argv;
    stat("/", &mine);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%s/root/", entry->d_name);
        if (stat(path, &st) == 0 && (st.st_ino != mine.st_ino || st.st_dev != mine.st_dev))
            say(path, "done", "another root");
    }
    // The classic way out of a chroot needs the right to make one.
    mkdir("/tmp/jail", 0700);
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    if (chroot("/tmp/jail") < 0) {
        say("chroot", "blocked", "%s", strerrorname_np(errno));
    } else {
        int up = fchdir(fd);
        for (int i = 0; i < 64 && up == 0; i++)
            up = chdir("..");
        say("chroot", "done", "in and out again");
    }
    close(fd);
    tell("open /..", stat("/../var/lib/left4me", &st));
    tell("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, "", 0));
}
