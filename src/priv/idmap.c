// SPDX-License-Identifier: MIT
#include "priv/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "priv/mountapi.h"

// Writes "0 0 1" and "disk view 1"; the kernel takes a map in one write only.
static int write_map(pid_t pid, const char *file, unsigned disk, unsigned view, struct error *err)
{
    AUTO_FD fd = -1;
    char    path[64], text[96];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int n = snprintf(text, sizeof text, "0 0 1\n%u %u 1\n", disk, view);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        return error_sys(err, errno, "writing an id map");
    return 0;
}

static int open_namespace_of(int *ret, pid_t pid, struct account disk, struct account view,
                             struct error *err)
{
    char path[64];

    if (write_map(pid, "uid_map", disk.uid, view.uid, err) < 0 ||
        write_map(pid, "gid_map", disk.gid, view.gid, err) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    *ret = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret < 0)
        return error_sys(err, errno, "opening an id map");
    return 0;
}

int idmap_open(int *ret, struct account disk, struct account view, struct error *err)
{
    // The child only keeps the namespace alive until we hold a descriptor of it. It is cloned with
    // the flag, not unshared later, so that there is nothing to wait for.
    long child = syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), NULL, NULL, NULL, 0);

    if (child < 0)
        return error_sys(err, errno, "making a user namespace (is user.max_user_namespaces 0?)");
    if (child == 0)
        for (;;)
            pause();

    int r = open_namespace_of(ret, (pid_t)child, disk, view, err);
    (void)kill((pid_t)child, SIGKILL); // it is ours and has no other way to end
    while (waitpid((pid_t)child, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

int idmap_clone(int *ret, int dir_fd, int map_fd, unsigned long attributes, struct error *err)
{
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_IDMAP | attributes,
        .userns_fd = (uint64_t)map_fd,
    };
    AUTO_FD fd = mount_open_tree(dir_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "cloning a layer");
    if (mount_set_attributes(fd, &attr) < 0)
        return error_sys(err, errno, "mapping the owner of a layer (kernel older than 5.19?)");
    *ret = fd;
    fd = -1;
    return 0;
}
