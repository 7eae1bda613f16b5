// SPDX-License-Identifier: MIT
#pragma once

// mountapi: the system calls of the kernel's descriptor-based mount interface, which the oldest
// libc we build on declares in a header that clashes with <linux/mount.h>.

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int mount_open_tree(int dir_fd, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dir_fd, path, flags);
}

static inline int mount_set_attributes(int fd, const struct mount_attr *attr)
{
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, attr, sizeof *attr);
}

// Attaches the detached mount `fd` to the directory `dir_fd`.
static inline int mount_attach(int fd, int dir_fd)
{
    return (int)syscall(SYS_move_mount, fd, "", dir_fd, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}
