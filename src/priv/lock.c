// SPDX-License-Identifier: MIT
#include "priv/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/fd.h"

#define LOCK_DIR   "/run/left4me-host/lock"
#define LOCK_FILES 4096u

int lock_take(int *ret, const char *name, struct error *err)
{
    AUTO_FD dir_fd = open(LOCK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    AUTO_FD fd = -1;
    char    file[16];

    if (dir_fd < 0)
        return error_sys(err, errno, "opening " LOCK_DIR);
    // A fixed number of files, whatever names are asked about. Two that share one wait for each
    // other now and then.
    uint32_t hash = 2166136261u; // FNV-1a
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    snprintf(file, sizeof file, "%03x", hash % LOCK_FILES);
    if (fd_open_beneath(&fd, dir_fd, file, O_RDWR | O_CREAT, 0600, err) < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? error_set(err, ERROR_BUSY,
                               "another command is at work there: wait until it has ended")
                   : error_sys(err, errno, "locking '%s'", name);
    *ret = fd;
    fd = -1;
    return 0;
}
