// SPDX-License-Identifier: MIT
#include "guard/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "base/fd.h"
#include "guard/names.h"
#include "guard/procfs.h"

#define ROWS       4096u // more than are counted
#define NAME_BYTES 64u

struct count {
    uint32_t n;
    uint64_t rows[ROWS]; // inode numbers; 0: free
};

static void add(struct count *count, uint64_t inode)
{
    size_t at = inode % ROWS;

    while (count->rows[at] != 0 && count->rows[at] != inode)
        at = (at + 1) % ROWS;
    count->n += count->rows[at] == 0;
    count->rows[at] = inode;
}

static void look_at_descriptor(struct count *count, int dir_fd, const char *name)
{
    char    link[NAME_BYTES];
    ssize_t n = readlinkat(dir_fd, name, link, sizeof link); // "socket:[1234]"; or it was closed

    uint64_t inode = n > 0 ? procfs_parse_socket(link, (size_t)n) : 0;
    if (inode != 0)
        add(count, inode);
}

static int look_at_task(struct count *count, int tasks_fd, const char *task, struct error *err)
{
    struct names names;
    const char  *name;
    char         path[NAME_BYTES];

    (void)snprintf(path, sizeof path, "%.20s/fd", task); // a number
    AUTO_FD fd = openat(tasks_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // What has just begun another program cannot be looked at for a moment: a busy script always
    // has some of those.
    if (fd < 0 && (errno == EACCES || errno == EPERM))
        return 0;
    if (fd < 0)
        return processes_is_gone(errno) ? 0
                                        : error_sys(err, errno, "listing what a process has open");
    names_begin(&names, fd);
    while (count->n <= SOCKETS_COUNT_MAX && names_next(&name, &names) > 0)
        look_at_descriptor(count, fd, name);
    return 0; // what ended meanwhile has none
}

static int look_at_process(struct count *count, const struct processes *processes, pid_t pid,
                           struct error *err)
{
    AUTO_FD      fd = processes_open(processes, pid, "task", O_RDONLY | O_DIRECTORY);
    struct names names;
    const char  *name;

    if (fd < 0)
        return processes_is_gone(errno) ? 0 : error_sys(err, errno, "listing tasks");
    names_begin(&names, fd);
    while (count->n <= SOCKETS_COUNT_MAX && names_next(&name, &names) > 0)
        if (look_at_task(count, fd, name, err) < 0)
            return -1;
    return 0;
}

int sockets_count(uint32_t *ret, const struct processes *processes, struct error *err)
{
    struct count count = { 0 };

    for (size_t i = 0; i < processes->n && count.n <= SOCKETS_COUNT_MAX; i++)
        if (look_at_process(&count, processes, processes->list[i], err) < 0)
            return -1;
    *ret = count.n;
    return 0;
}
