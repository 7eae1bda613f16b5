// SPDX-License-Identifier: MIT
#include "files/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "files/arrange.h"
#include "files/filename.h"

#define NEW_NAME "new" // in the stage

// What is done for a copy: quota for it, and telling what was left out.
struct keep {
    struct space_meter         meter;
    const struct keep_options *options;
};

static int take(void *user, uint64_t bytes, uint64_t entries, struct error *err)
{
    struct keep *keep = user;

    return space_meter_take(&keep->meter, bytes, entries, err);
}

static void skip(void *user, const char *path, const char *why)
{
    const struct keep *keep = user;

    if (keep->options->skip)
        keep->options->skip(keep->options->user, path, why);
}

static int open_parent(int *ret, const char **ret_name, int upper_fd, const char *path,
                       struct error *err)
{
    char        parent[FILENAME_PATH_MAX + 1];
    const char *slash = strrchr(path, '/');
    size_t      n = slash ? (size_t)(slash - path) : 1;

    memcpy(parent, slash ? path : ".", n); // filename_check_old() has seen its length
    parent[n] = '\0';
    *ret_name = slash ? slash + 1 : path;
    return fd_open_dir(ret, upper_fd, parent, err);
}

static int copy_dir(struct copytree *copy, int from_fd, const char *name, int stage_fd,
                    struct error *err)
{
    AUTO_FD from = openat(from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (from < 0)
        return error_sys(err, errno, "opening the directory '%.160s'", name);
    if (take(copy->user, 0, 1, err) < 0)
        return -1;
    if (mkdirat(stage_fd, NEW_NAME, SPACE_MODE_DIR) < 0)
        return error_sys(err, errno, "making a directory");
    AUTO_FD to = openat(stage_fd, NEW_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0 || fchmod(to, SPACE_MODE_DIR) < 0)
        return error_sys(err, errno, "making a directory");
    copy->is_lenient = true;
    return copytree_run(copy, from, to, -1, err);
}

static int copy_any(struct copytree *copy, int upper_fd, const char *path, int stage_fd,
                    struct error *err)
{
    AUTO_FD     fd = -1;
    const char *name;
    struct stat st;

    if (filename_check_old(path, err) < 0 || open_parent(&fd, &name, upper_fd, path, err) < 0)
        return -1;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%.160s'", path);
    if (S_ISDIR(st.st_mode))
        return copy_dir(copy, fd, name, stage_fd, err);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%.160s' is not a file or directory", path);
    return copytree_file(copy, fd, name, stage_fd, NEW_NAME, err);
}

int keep_run(struct copytree_counts *ret, struct space *space, int upper_fd, const char *from,
             const char *to, const struct keep_options *options, struct error *err)
{
    AUTO(space_stage_done) struct space_stage stage = { .fd = -1 };
    struct keep                               keep = { { .space = space }, options };
    const struct copytree_limits limits = { space->limits.bytes_max, space->limits.file_bytes_max,
                                            (uint32_t)MIN(space->limits.entries_max, UINT32_MAX),
                                            KEEP_DEPTH_MAX };

    struct copytree copy = {
        .limits = limits, .is_strict = true, .take = take, .skip = skip, .user = &keep
    };

    if (filename_check(to, err) < 0 || space_stage_make(&stage, space, err) < 0)
        return -1;
    int r = copy_any(&copy, upper_fd, from, stage.fd, err);
    if (r == 0 && syncfs(stage.fd) < 0)
        r = error_sys(err, errno, "writing '%.160s' to disk", to);
    if (r == 0)
        r = arrange_bring(space, stage.fd, NEW_NAME, to, options->replaces, options->makes_parents,
                          err);
    space_meter_done(&keep.meter, r < 0);
    if (r == 0)
        *ret = copy.counts;
    return r;
}
