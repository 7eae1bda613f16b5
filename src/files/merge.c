// SPDX-License-Identifier: MIT
#include "files/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "files/edit.h"
#include "files/filename.h"

struct merge {
    struct space       *space;
    enum merge_existing existing;
    struct merge_counts counts;
    struct space_usage  freed;
    char                path[FILENAME_PATH_MAX + 1]; // of the directory at hand
};

// One name in both directories.
struct pair {
    int         from_fd, to_fd;
    const char *name;
    struct stat from, to; // to: mode 0: is not there
};

// What is done with a file, and with a directory that only one side has; 1 goes down into both.
typedef int act_on(struct merge *merge, const struct pair *pair, struct error *err);

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static int refuse(const struct merge *merge, const char *name, const char *why, struct error *err)
{
    return error_set(err, ERROR_EXISTS, "'%.120s%s%.60s' %s", merge->path,
                     merge->path[0] ? "/" : "", name, why);
}

static int check(struct merge *merge, const struct pair *pair, struct error *err)
{
    if (!pair->to.st_mode)
        return 0;
    if (S_ISDIR(pair->from.st_mode) && S_ISDIR(pair->to.st_mode))
        return 1;
    if (S_ISDIR(pair->from.st_mode))
        return refuse(merge, pair->name, "is there already, and no directory", err);
    if (!S_ISREG(pair->to.st_mode))
        return refuse(merge, pair->name, "is there already, and no file", err);
    if (merge->existing == MERGE_FAIL)
        return refuse(merge, pair->name, "exists already", err);
    return 0;
}

static int move(struct merge *merge, const struct pair *pair, struct error *err)
{
    bool is_old = pair->to.st_mode != 0;

    if (S_ISDIR(pair->from.st_mode) && is_old) {
        merge->freed.entries++; // the new one stays behind, without what was in it
        return 1;
    }
    if (is_old && merge->existing == MERGE_SKIP) {
        merge->counts.skipped++;
        merge->freed.entries++;
        merge->freed.bytes += (uint64_t)pair->from.st_size;
        return 0;
    }
    if (renameat2(pair->from_fd, pair->name, pair->to_fd, pair->name,
                  is_old ? 0 : RENAME_NOREPLACE) < 0)
        return error_sys(err, errno, "putting '%.100s/%.60s' in place", merge->path, pair->name);
    if (is_old) {
        merge->counts.replaced++;
        merge->freed.entries++;
        merge->freed.bytes += (uint64_t)pair->to.st_size;
    }
    return 0;
}

static int walk(struct merge *merge, int from_fd, int to_fd, act_on *act, struct error *err);

static int enter(struct merge *merge, const struct pair *pair, act_on *act, struct error *err)
{
    size_t  n = strlen(merge->path);
    AUTO_FD from = openat(pair->from_fd, pair->name, dir_flags);
    AUTO_FD to = openat(pair->to_fd, pair->name, dir_flags);

    if (from < 0 || to < 0)
        return error_sys(err, errno, "opening '%.120s/%.60s'", merge->path, pair->name);
    if ((size_t)snprintf(merge->path + n, sizeof merge->path - n, "%s%s", n ? "/" : "",
                         pair->name) >= sizeof merge->path - n)
        return error_set(err, ERROR_INVALID, "a path below '%.160s' is too long", merge->path);
    int r = walk(merge, from, to, act, err);
    merge->path[n] = '\0';
    return r;
}

static int walk(struct merge *merge, int from_fd, int to_fd, act_on *act, struct error *err)
{
    AUTO_DIR    dir = NULL;
    struct pair pair = { .from_fd = from_fd, .to_fd = to_fd };
    int         r;

    if (dir_open(&dir, from_fd, err) < 0)
        return -1;
    while ((r = dir_next(&pair.name, dir, err)) > 0) {
        if (edit_look(&pair.from, from_fd, pair.name, pair.name, err) < 0 ||
            edit_look(&pair.to, to_fd, pair.name, pair.name, err) < 0)
            return -1;
        r = act(merge, &pair, err);
        if (r < 0 || (r > 0 && enter(merge, &pair, act, err) < 0))
            return -1;
    }
    if (r < 0)
        return -1;
    return act == move ? space_sync_dir(to_fd, merge->path, err) : 0;
}

int merge_run(struct merge_counts *ret, struct space *space, int from_fd, const char *path,
              enum merge_existing existing, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    struct merge                      merge = { .space = space, .existing = existing };
    AUTO_FD                           to_fd = -1;

    (void)snprintf(merge.path, sizeof merge.path, "%s", path);
    if (space_lock(&locked, space, err) < 0 || space_open_dir(&to_fd, space, path, err) < 0 ||
        walk(&merge, from_fd, to_fd, check, err) < 0)
        return -1;
    int r = walk(&merge, from_fd, to_fd, move, err);
    space_refund(space, merge.freed.bytes, merge.freed.entries);
    if (r == 0)
        *ret = merge.counts;
    return r;
}
