// SPDX-License-Identifier: MIT
#include "files/space.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "files/filename.h"

#define USAGE_MAGIC 0x3155344cu // "L4U1"

// .work/usage
struct usage_file {
    uint32_t magic, n_bytes;
    uint64_t bytes, entries;
    uint32_t n_changes, zero;
};

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// ---- opening ----------------------------------------------------------------------------------

void space_closep(struct space **space)
{
    if (!*space)
        return;
    (void)fd_close((*space)->usage_fd);
    (void)fd_close((*space)->lock_fd);
    (void)fd_close((*space)->uploads_fd);
    (void)fd_close((*space)->stage_fd);
    (void)fd_close((*space)->work_fd);
    (void)fd_close((*space)->tree_fd);
    free(*space);
    *space = NULL;
}

static int open_own_dir(int *ret, int parent_fd, const char *name, mode_t mode, struct error *err)
{
    if (mkdirat(parent_fd, name, mode) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making the directory '%s'", name);
    int fd = openat(parent_fd, name, dir_flags);
    if (fd < 0)
        return error_sys(err, errno, "opening the directory '%s'", name);
    *ret = fd;
    return 0;
}

static int open_own_file(int *ret, int parent_fd, const char *name, struct error *err)
{
    int fd = openat(parent_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", name);
    *ret = fd;
    return 0;
}

int space_open(struct space **ret, int source_fd, const struct space_limits *limits,
               struct error *err)
{
    AUTO(space_closep) struct space *space = calloc(1, sizeof *space);

    if (!space)
        return error_sys(err, ENOMEM, "opening the working tree");
    space->tree_fd = space->work_fd = space->stage_fd = -1;
    space->uploads_fd = space->lock_fd = space->usage_fd = -1;
    space->limits = *limits;
    if (open_own_dir(&space->tree_fd, source_fd, "tree", SPACE_MODE_DIR, err) < 0 ||
        open_own_dir(&space->work_fd, source_fd, ".work", 0700, err) < 0 ||
        open_own_dir(&space->stage_fd, space->work_fd, "stage", 0700, err) < 0 ||
        open_own_dir(&space->uploads_fd, space->work_fd, "uploads", 0700, err) < 0 ||
        open_own_file(&space->lock_fd, space->work_fd, "lock", err) < 0 ||
        open_own_file(&space->usage_fd, space->work_fd, "usage", err) < 0)
        return error_prefix(err, "the working tree");
    *ret = TAKE(space);
    return 0;
}

// ---- counting ---------------------------------------------------------------------------------

static int count_dir(struct space_usage *usage, unsigned *deepest, int fd, unsigned depth,
                     struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    struct stat st;
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; // somebody has removed it
        usage->entries++;
        *deepest = MAX(*deepest, depth);
        if (S_ISREG(st.st_mode))
            usage->bytes += (uint64_t)st.st_size;
        AUTO_FD below =
            S_ISDIR(st.st_mode) && depth < SPACE_DEPTH_MAX ? openat(fd, name, dir_flags) : -1;
        if (below >= 0 && count_dir(usage, deepest, below, depth + 1, err) < 0)
            return -1;
    }
    return r;
}

int space_count(struct space_usage *ret, unsigned *ret_depth, int fd, struct error *err)
{
    struct space_usage usage = { 0 };
    unsigned           depth = 0;

    if (count_dir(&usage, &depth, fd, 1, err) < 0)
        return -1;
    *ret = usage;
    *ret_depth = depth;
    return 0;
}

// Removes from `stage` what no process holds any more; *ret_held counts what is held.
static int sweep(uint64_t *ret_held, struct space *space, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, space->stage_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        AUTO_FD fd = openat(space->stage_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
            ++*ret_held;
        else if (tree_remove(space->stage_fd, name, err) < 0)
            return -1;
    }
    return r;
}

static void write_usage(struct space *space)
{
    struct usage_file file = { USAGE_MAGIC,          sizeof file,      space->usage.bytes,
                               space->usage.entries, space->n_changes, 0 };

    // What cannot be said is counted by the next one.
    if (pwrite(space->usage_fd, &file, sizeof file, 0) != (ssize_t)sizeof file)
        (void)!ftruncate(space->usage_fd, 0);
}

static int recount(struct space *space, struct error *err)
{
    const int          fds[] = { space->tree_fd, space->stage_fd, space->uploads_fd };
    struct space_usage sum = { 0 }, part;
    uint64_t           n_held = 0;
    unsigned           depth;

    if (sweep(&n_held, space, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(fds); i++) {
        if (space_count(&part, &depth, fds[i], err) < 0)
            return -1;
        sum.bytes += part.bytes;
        sum.entries += part.entries;
    }
    sum.entries -= MIN(n_held, sum.entries); // the directories themselves are not charged
    space->usage = sum;
    space->n_changes = 0;
    write_usage(space);
    return 0;
}

static int read_usage(struct space *space, struct error *err)
{
    struct usage_file file = { 0 };
    ssize_t           n = pread(space->usage_fd, &file, sizeof file, 0);

    if (n != (ssize_t)sizeof file || file.magic != USAGE_MAGIC || file.n_bytes != sizeof file ||
        file.bytes > INT64_MAX || file.entries > INT64_MAX)
        return recount(space, err);
    space->usage = (struct space_usage){ file.bytes, file.entries };
    space->n_changes = file.n_changes;
    return 0;
}

// ---- the lock ---------------------------------------------------------------------------------

void space_unlockp(struct space **locked)
{
    if (!*locked)
        return;
    (*locked)->is_locked = false;
    (void)flock((*locked)->lock_fd, LOCK_UN); // it is ours
    *locked = NULL;
}

int space_lock(struct space **ret_locked, struct space *space, struct error *err)
{
    int r;

    assert(!space->is_locked);
    do
        r = flock(space->lock_fd, LOCK_EX);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return error_sys(err, errno, "locking the working tree");
    space->is_locked = true;
    AUTO(space_unlockp) struct space *locked = space;
    if (read_usage(space, err) < 0)
        return error_prefix(err, "the working tree");
    *ret_locked = TAKE(locked);
    return 0;
}

int space_read_usage(struct space_usage *ret, struct space *space, bool counts_anew,
                     struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;

    if (space_lock(&locked, space, err) < 0 || (counts_anew && recount(space, err) < 0))
        return -1;
    *ret = space->usage;
    return 0;
}

// ---- the quota --------------------------------------------------------------------------------

static uint64_t moved(uint64_t value, int64_t by)
{
    if (by >= 0)
        return value + (uint64_t)by; // both fit an int64_t
    uint64_t less = -(uint64_t)by;
    return value > less ? value - less : 0;
}

static bool fits(const struct space *space, int64_t bytes, int64_t entries)
{
    return (bytes <= 0 || moved(space->usage.bytes, bytes) <= space->limits.bytes_max) &&
           (entries <= 0 || moved(space->usage.entries, entries) <= space->limits.entries_max);
}

static int say_full(const struct space *space, int64_t bytes, struct error *err)
{
    if (bytes > 0 && moved(space->usage.bytes, bytes) > space->limits.bytes_max)
        return error_set(err, ERROR_NO_SPACE,
                         "the overlay is full: its files, uploads included, hold %" PRIu64
                         " bytes, %" PRId64 " more are wanted, and %" PRIu64 " are allowed",
                         space->usage.bytes, bytes, space->limits.bytes_max);
    return error_set(err, ERROR_NO_SPACE,
                     "the overlay is full: it has %" PRIu64
                     " files and directories, uploads included, and %" PRIu64 " are allowed",
                     space->usage.entries, space->limits.entries_max);
}

int space_charge(struct space *space, int64_t bytes, int64_t entries, struct error *err)
{
    assert(space->is_locked);
    if ((!fits(space, bytes, entries) || space->n_changes >= SPACE_RECOUNT_EVERY) &&
        recount(space, err) < 0)
        return -1;
    if (!fits(space, bytes, entries))
        return say_full(space, bytes, err);
    space->usage.bytes = moved(space->usage.bytes, bytes);
    space->usage.entries = moved(space->usage.entries, entries);
    space->n_changes++;
    write_usage(space);
    return 0;
}

void space_refund(struct space *space, uint64_t bytes, uint64_t entries)
{
    assert(space->is_locked && bytes <= INT64_MAX && entries <= INT64_MAX);
    space->usage.bytes = moved(space->usage.bytes, -(int64_t)bytes);
    space->usage.entries = moved(space->usage.entries, -(int64_t)entries);
    space->n_changes++;
    write_usage(space);
}

int space_check_file(const struct space *space, uint64_t bytes, struct error *err)
{
    if (bytes <= space->limits.file_bytes_max && bytes <= INT64_MAX)
        return 0;
    return error_set(err, ERROR_NO_SPACE,
                     "the file has %" PRIu64 " bytes, and %" PRIu64 " are allowed", bytes,
                     space->limits.file_bytes_max);
}

// Charges a chunk where it fits, or else only what is needed.
static int meter_fill(struct space_meter *meter, const struct space_usage *need, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    struct space                     *space = meter->space;
    struct space_usage                chunk = { MAX(need->bytes, SPACE_CHUNK_BYTES),
                                                MAX(need->entries, SPACE_CHUNK_ENTRIES) };

    if (space_lock(&locked, space, err) < 0)
        return -1;
    if (!fits(space, (int64_t)chunk.bytes, (int64_t)chunk.entries))
        chunk = *need;
    if (space_charge(space, (int64_t)chunk.bytes, (int64_t)chunk.entries, err) < 0)
        return -1;
    meter->spare.bytes += chunk.bytes;
    meter->spare.entries += chunk.entries;
    return 0;
}

int space_meter_take(struct space_meter *meter, uint64_t bytes, uint64_t entries, struct error *err)
{
    struct space_usage need = { bytes > meter->spare.bytes ? bytes - meter->spare.bytes : 0,
                                entries > meter->spare.entries ? entries - meter->spare.entries
                                                               : 0 };

    assert(bytes <= INT64_MAX / 4 && entries <= INT64_MAX / 4);
    if ((need.bytes || need.entries) && meter_fill(meter, &need, err) < 0)
        return -1;
    meter->spare.bytes -= bytes;
    meter->spare.entries -= entries;
    meter->used.bytes += bytes;
    meter->used.entries += entries;
    return 0;
}

void space_meter_return(struct space_meter *meter, uint64_t bytes, uint64_t entries)
{
    assert(bytes <= meter->used.bytes && entries <= meter->used.entries);
    meter->used.bytes -= bytes;
    meter->used.entries -= entries;
    meter->spare.bytes += bytes;
    meter->spare.entries += entries;
}

void space_meter_done(struct space_meter *meter, bool is_undone)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    struct error                      ignored; // the next count finds it

    if (is_undone) {
        meter->spare.bytes += meter->used.bytes;
        meter->spare.entries += meter->used.entries;
    }
    if ((meter->spare.bytes || meter->spare.entries) &&
        space_lock(&locked, meter->space, &ignored) == 0)
        space_refund(meter->space, meter->spare.bytes, meter->spare.entries);
    meter->spare = meter->used = (struct space_usage){ 0 };
}

// ---- the stage --------------------------------------------------------------------------------

void space_stage_name(char ret[SPACE_STAGE_NAME])
{
    uint64_t random = 0;

    // Fails only where the kernel has none yet, long before us; a name that is there is an error.
    (void)!getrandom(&random, sizeof random, 0);
    (void)snprintf(ret, SPACE_STAGE_NAME, "%016" PRIx64, random);
}

int space_stage_make(struct space_stage *ret, struct space *space, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    struct space_stage                stage = { .space = space };
    AUTO_FD                           fd = -1;

    // Locked, so that nobody sweeps it away before it is held.
    if (space_lock(&locked, space, err) < 0)
        return -1;
    space_stage_name(stage.name);
    if (mkdirat(space->stage_fd, stage.name, 0700) < 0)
        return error_sys(err, errno, "making a directory to work in");
    fd = openat(space->stage_fd, stage.name, dir_flags);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_sys(err, errno, "opening a directory to work in");
    stage.fd = TAKE_FD(fd);
    *ret = stage;
    return 0;
}

void space_stage_done(struct space_stage *stage)
{
    struct error ignored; // it is swept away later

    if (!stage->space)
        return;
    (void)!tree_remove(stage->space->stage_fd, stage->name, &ignored);
    stage->fd = fd_close(stage->fd);
    stage->space = NULL;
}

// ---- paths ------------------------------------------------------------------------------------

// The kernel says of both a link and a file on the way that they are no directory.
static int explain(struct error *err, const char *path)
{
    if (err->errnum == ENOTDIR)
        return error_set(err, ERROR_INVALID,
                         "'%.160s' leads through something that is not a directory", path);
    return -1;
}

int space_open_dir(int *ret, const struct space *space, const char *path, struct error *err)
{
    if (*path && filename_check_old(path, err) < 0)
        return -1;
    if (fd_open_dir(ret, space->tree_fd, *path ? path : ".", err) < 0)
        return explain(err, path);
    return 0;
}

// Goes from `dir_fd` to its directory `name`, making it if it is missing.
static int enter_or_make(int *ret, struct space *space, int dir_fd, const char *name,
                         struct error *err)
{
    int fd = openat(dir_fd, name, dir_flags);

    if (fd < 0 && errno == ENOENT) {
        if (space_charge(space, 0, 1, err) < 0)
            return -1;
        if (mkdirat(dir_fd, name, SPACE_MODE_DIR) < 0) {
            space_refund(space, 0, 1);
            return error_sys(err, errno, "making the directory '%s'", name);
        }
        fd = openat(dir_fd, name, dir_flags);
        if (fd >= 0 && (fchmod(fd, SPACE_MODE_DIR) < 0 || fsync(dir_fd) < 0))
            fd = fd_close(fd);
    }
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return error_set(err, ERROR_INVALID, "'%.160s' is not a directory", name);
    if (fd < 0)
        return error_sys(err, errno, "opening the directory '%s'", name);
    *ret = fd;
    return 0;
}

static int make_parents(int *ret, struct space *space, const char *path, const char *last,
                        struct error *err)
{
    AUTO_FD fd = openat(space->tree_fd, ".", dir_flags);
    char    name[FILENAME_BYTES_MAX + 1];

    assert(space->is_locked);
    if (fd < 0)
        return error_sys(err, errno, "opening the tree");
    while (path < last) {
        size_t n = strcspn(path, "/");
        int    next = -1;
        memcpy(name, path, n); // filename_check() has seen its length
        name[n] = '\0';
        if (enter_or_make(&next, space, fd, name, err) < 0)
            return -1;
        (void)fd_close(fd);
        fd = next;
        path += n + 1;
    }
    *ret = TAKE_FD(fd);
    return 0;
}

int space_open_parent(int *ret, const char **ret_name, struct space *space, const char *path,
                      bool makes_parents, struct error *err)
{
    char        parent[FILENAME_PATH_MAX + 1];
    const char *slash;

    if (filename_check_old(path, err) < 0)
        return -1;
    slash = strrchr(path, '/');
    *ret_name = slash ? slash + 1 : path;
    if (makes_parents)
        return make_parents(ret, space, path, *ret_name, err);
    size_t n = slash ? (size_t)(slash - path) : 0;
    memcpy(parent, path, n);
    parent[n] = '\0';
    return space_open_dir(ret, space, parent, err);
}

int space_sync_dir(int fd, const char *path, struct error *err)
{
    if (fsync(fd) < 0)
        return error_sys(err, errno, "writing '%s' to disk", path);
    return 0;
}

int space_stamp(int fd, struct error *err)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

    // The time that the kernel gives is that of its last tick: all files of a few milliseconds have
    // it, and then two of one size could take each other's place and look as if nothing changed.
    (void)clock_gettime(CLOCK_REALTIME, &times[1]); // cannot fail for this clock
    if (futimens(fd, times) < 0)
        return error_sys(err, errno, "setting the time of a file");
    return 0;
}

mode_t space_mode(bool is_program)
{
    return is_program ? SPACE_MODE_PROGRAM : SPACE_MODE_FILE;
}
