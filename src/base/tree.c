// SPDX-License-Identifier: MIT
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"

#define DEPTH_MAX 32u // directories open at once; what lies deeper is first moved to the top

struct walk {
    int top_fd;
    unsigned
        n_moved; // directories moved to the top so far: gives them names, and asks for a rescan
};

// Whether something is mounted on the directory: whoever is inside that is still using it.
static bool is_mount_point(int fd)
{
    struct statx st;

    return statx(fd, "", AT_EMPTY_PATH, 0, &st) < 0 || st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static int open_child(int *ret, int dir_fd, const char *name, struct error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int       fd = openat(dir_fd, name, flags);

    // An owner without CAP_DAC_OVERRIDE may have to take the permission back first.
    if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(dir_fd, name, flags);
    if (fd < 0)
        return error_sys(err, errno, "opening the directory '%.80s' to remove it", name);
    if (is_mount_point(fd)) {
        (void)fd_close(fd);
        return error_set(err, ERROR_BUSY, "'%.80s' is still mounted", name);
    }
    (void)fchmod(fd, 0700); // likewise, to unlink in it; a failure shows when unlinking
    *ret = fd;
    return 0;
}

static int move_to_top(struct walk *walk, int dir_fd, const char *name, struct error *err)
{
    char unique[32];

    do
        snprintf(unique, sizeof unique, ".deep-%u", walk->n_moved++);
    while (faccessat(walk->top_fd, unique, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    if (renameat(dir_fd, name, walk->top_fd, unique) < 0)
        return error_sys(err, errno, "moving the directory '%.80s' to remove it", name);
    return 0;
}

static int empty(struct walk *walk, int dir_fd, unsigned depth, struct error *err);

static int remove_entry(struct walk *walk, int dir_fd, const char *name, unsigned depth,
                        struct error *err)
{
    AUTO_FD fd = -1;

    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return error_sys(err, errno, "removing '%.80s'", name);
    if (depth >= DEPTH_MAX)
        return move_to_top(walk, dir_fd, name, err);
    if (open_child(&fd, dir_fd, name, err) < 0 || empty(walk, fd, depth + 1, err) < 0)
        return -1;
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
        return error_sys(err, errno, "removing the directory '%.80s'", name);
    return 0;
}

static int empty(struct walk *walk, int dir_fd, unsigned depth, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, dir_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (remove_entry(walk, dir_fd, name, depth, err) < 0)
            return -1;
    return r;
}

int tree_empty(int dir_fd, struct error *err)
{
    struct walk walk = { .top_fd = dir_fd };
    unsigned    before;

    do {
        before = walk.n_moved;
        if (empty(&walk, dir_fd, 0, err) < 0)
            return -1;
    } while (walk.n_moved != before);
    return 0;
}

int tree_remove(int parent_fd, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return error_sys(err, errno, "removing '%.80s'", name);
    if (open_child(&fd, parent_fd, name, err) < 0 || tree_empty(fd, err) < 0)
        return -1;
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
        return error_sys(err, errno, "removing the directory '%.80s'", name);
    return 0;
}
