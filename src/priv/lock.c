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

// Opens the lock of `name` among those of `kind`, a letter. A fixed number of files, whatever names
// are asked about: two names that share one wait for each other now and then.
static int open_file(int *ret, char kind, const char *name, struct error *err)
{
    AUTO_FD  dir_fd = open(LOCK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    uint32_t hash = 2166136261u; // FNV-1a
    char     file[16];

    if (dir_fd < 0)
        return error_sys(err, errno, "opening " LOCK_DIR);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    snprintf(file, sizeof file, "%c%03x", kind, hash % LOCK_FILES);
    return fd_open_beneath(ret, dir_fd, file, O_RDWR | O_CREAT, 0600, err);
}

int lock_take(int *ret, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (open_file(&fd, 'l', name, err) < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret = TAKE_FD(fd);
        return 0;
    }
    if (errno != EWOULDBLOCK)
        return error_sys(err, errno, "locking '%s'", name);
    (void)error_set(err, ERROR_BUSY, "another command is at work there: wait until it has ended");
    err->errnum = EWOULDBLOCK; // of all that is busy, this is over soon
    return -1;
}

int lock_turn(int *ret, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (open_file(&fd, 't', name, err) < 0)
        return -1;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_sys(err, errno, "waiting for the turn of '%s'", name);
    *ret = TAKE_FD(fd);
    return 0;
}
