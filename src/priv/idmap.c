// SPDX-License-Identifier: MIT
#include "priv/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "priv/mountapi.h"

#define KEEP_DIR "/run/left4me-host/idmap"

static const struct map {
    const char *name; // of the file in KEEP_DIR
    const char *disk, *view;
} maps[] = {
    [IDMAP_CONTENT_TO_GAME] = { "content-game", "left4me-content", "left4me-game" },
    [IDMAP_CONTROL_TO_GAME] = { "control-game", "left4me", "left4me-game" },
    [IDMAP_CONTENT_TO_BUILD] = { "content-build", "left4me-content", "left4me-build" },
    [IDMAP_CONTROL_TO_BUILD] = { "control-build", "left4me", "left4me-build" },
    [IDMAP_CONTROL_TO_CONTENT] = { "control-content", "left4me", "left4me-content" },
};
_Static_assert(ELEMENTS(maps) == IDMAP_COUNT, "every map has a row");

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

static int make(int *ret, struct account disk, struct account view, struct error *err)
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

static int enter_keep_dir(struct error *err)
{
    // Mounting takes paths only; the directory is root's alone.
    if (chdir(KEEP_DIR) < 0)
        return error_sys(err, errno, "entering " KEEP_DIR);
    return 0;
}

static int drop(const struct map *map, struct error *err)
{
    while (umount2(map->name, UMOUNT_NOFOLLOW) == 0)
        ;
    if (errno != EINVAL && errno != ENOENT)
        return error_sys(err, errno, "dropping the id map '%s'", map->name);
    return 0;
}

static int keep(const struct map *map, struct error *err)
{
    AUTO_FD        fd = -1;
    AUTO_FD        place = -1;
    struct account disk, view;
    char           source[48];

    if (account_find(&disk, map->disk, err) < 0 || account_find(&view, map->view, err) < 0 ||
        drop(map, err) < 0 || make(&fd, disk, view, err) < 0)
        return -1;
    place = open(map->name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    if (place < 0 || mount(source, map->name, NULL, MS_BIND, NULL) < 0)
        return error_sys(err, errno, "keeping the id map '%s'", map->name);
    return 0;
}

int idmap_keep_all(struct error *err)
{
    if (enter_keep_dir(err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(maps); i++)
        if (keep(&maps[i], err) < 0)
            return -1;
    return 0;
}

int idmap_drop_all(struct error *err)
{
    if (enter_keep_dir(err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(maps); i++)
        if (drop(&maps[i], err) < 0)
            return -1;
    return 0;
}

int idmap_open(int *ret, enum idmap map, struct error *err)
{
    AUTO_FD       dir_fd = open(KEEP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    AUTO_FD       fd = -1;
    struct statfs fs;

    if (dir_fd < 0 || fd_open_beneath(&fd, dir_fd, maps[map].name, O_RDONLY, 0, err) < 0 ||
        fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC) // the bare file: nothing is kept on it
        return error_set(err, ERROR_UNAVAILABLE,
                         "the id maps are not there: run 'systemctl restart left4me-idmap'");
    *ret = TAKE_FD(fd);
    return 0;
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
    *ret = TAKE_FD(fd);
    return 0;
}
