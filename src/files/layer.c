// SPDX-License-Identifier: MIT
#include "files/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/done.h"
#include "base/fd.h"
#include "base/spec.h"
#include "base/tree.h"

#define OPAQUE_XATTR "user.overlay.opaque"

struct job {
    struct build_spec spec;
    int               data_fd, tree_fd, base_fd, upper_fd; // base: -1 if there is none
};

static void job_done(struct job *job)
{
    job->upper_fd = fd_close(job->upper_fd);
    job->base_fd = fd_close(job->base_fd);
    job->tree_fd = fd_close(job->tree_fd);
    job->data_fd = fd_close(job->data_fd);
}

static int open_root(int *ret, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", path);
    *ret = fd;
    return 0;
}

static int read_spec(struct job *job, uint32_t build, const char *host_dir, struct error *err)
{
    AUTO_FD host_fd = -1;
    AUTO_FD fd = -1;
    char    name[16];

    (void)snprintf(name, sizeof name, "%" PRIu32, build);
    if (open_root(&host_fd, host_dir, err) < 0 || fd_open_dir(&fd, host_fd, "builds", err) < 0)
        return -1;
    if (spec_read_build(&job->spec, fd, name, err) < 0)
        return error_prefix(err, "build %s", name);
    return 0;
}

static int open_dirs(struct job *job, struct error *err)
{
    char path[64];

    (void)snprintf(path, sizeof path, "builds/%" PRIu32 "/source/tree", job->spec.build);
    if (fd_open_dir(&job->tree_fd, job->data_fd, path, err) < 0)
        return error_prefix(err, "the working tree of overlay %" PRIu32, job->spec.overlay);
    (void)snprintf(path, sizeof path, "builds/%" PRIu32 "/upper", job->spec.build);
    if (fd_open_dir(&job->upper_fd, job->data_fd, path, err) < 0)
        return error_prefix(err, "the upper layer of build %" PRIu32, job->spec.build);
    if (job->spec.base_generation == 0)
        return 0;
    (void)snprintf(path, sizeof path, "overlays/%" PRIu32 "/%" PRIu32, job->spec.overlay,
                   job->spec.base_generation);
    if (fd_open_dir(&job->base_fd, job->data_fd, path, err) < 0)
        return error_prefix(err, "generation %" PRIu32 " of overlay %" PRIu32,
                            job->spec.base_generation, job->spec.overlay);
    return 0;
}

// What a run that was killed has left is not looked at.
static int prepare_upper(const struct job *job, struct error *err)
{
    if (tree_empty(job->upper_fd, err) < 0)
        return error_prefix(err, "the upper layer of build %" PRIu32, job->spec.build);
    if (fsetxattr(job->upper_fd, OPAQUE_XATTR, "y", 1, 0) < 0)
        return error_sys(err, errno, "marking the upper layer of build %" PRIu32, job->spec.build);
    return 0;
}

static void say_skipped(void *user, const char *path, const char *why)
{
    const struct layer_watch *watch = user;
    char                      line[512];

    if (!watch->say)
        return;
    (void)snprintf(line, sizeof line, "note: '%s' is left out: it %s", path, why);
    watch->say(watch->user, line);
}

int layer_build(struct copytree_counts *ret, uint32_t build, const struct layer_paths *paths,
                const struct copytree_limits *limits, const struct layer_watch *watch,
                struct error *err)
{
    AUTO(job_done)
    struct job         job = { .data_fd = -1, .tree_fd = -1, .base_fd = -1, .upper_fd = -1 };
    struct layer_watch told = *watch;
    struct copytree    copy = {
           .limits = *limits,
           .keeps_times = true,
           .is_steady = true,
           .skip = say_skipped,
           .user = &told,
    };

    if (open_root(&job.data_fd, paths->data_dir, err) < 0 ||
        read_spec(&job, build, paths->host_dir, err) < 0 || open_dirs(&job, err) < 0 ||
        prepare_upper(&job, err) < 0)
        return -1;
    copy.limits.bytes_max = MIN(limits->bytes_max, job.spec.output_max_bytes);
    if (copytree_run(&copy, job.tree_fd, job.upper_fd, job.base_fd, err) < 0)
        return error_prefix(err, "overlay %" PRIu32, job.spec.overlay);
    if (done_mark(job.upper_fd, err) < 0)
        return -1;
    *ret = copy.counts;
    return 0;
}
