// SPDX-License-Identifier: MIT
#pragma once

// disk-dir: a directory that is a file system of its own, so that what others write meanwhile does
// not count as the test's.

#include <sched.h>
#include <sys/mount.h>
#include "unit.h"

#define DISK_DIR_SIZE "2G" // sparse

// Puts a new ext4 on the directory; only root can. It goes with the mount namespace of the test.
static inline int disk_dir_mount(struct unit_dir *dir)
{
    char command[2048];

    snprintf(command, sizeof command,
             "truncate -s " DISK_DIR_SIZE " '%s.img' && mke2fs -q -t ext4 -m 0 '%s.img' && "
             "mount -o loop '%s.img' '%s'; code=$?; rm -f '%s.img'; test $code = 0 && "
             "rmdir '%s/lost+found' && chmod 700 '%s'",
             dir->path, dir->path, dir->path, dir->path, dir->path, dir->path, dir->path);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        system(command) != 0)
        return -1;
    close(dir->fd);
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir->fd < 0 ? -1 : 0;
}

static inline int disk_dir_setup(void **state)
{
    if (unit_dir_setup(state) < 0)
        return -1;
    return geteuid() == 0 ? disk_dir_mount(*state) : 0;
}

static inline int disk_dir_teardown(void **state)
{
    struct unit_dir *dir = *state;

    close(dir->fd);
    if (geteuid() == 0 && umount2(dir->path, 0) < 0)
        return -1;
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return unit_dir_teardown(state);
}
