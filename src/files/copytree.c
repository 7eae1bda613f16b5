// SPDX-License-Identifier: MIT
#include "files/copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/text.h"
#include "files/filename.h"
#include "files/space.h"

#define COPY_BYTES  (UINT64_C(8) << 20) // at once: what is asked for, and how often we look up
#define BLOCK_BYTES 131072u             // where the kernel does not copy by itself

struct walk {
    struct copytree *copy;
    char             path[PATH_MAX]; // of what is at hand
};

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static const char *show(char ret[COPYTREE_SHOW_MAX], const char *path)
{
    size_t n = strlen(path), room = COPYTREE_SHOW_MAX - 1;

    (void)text_sanitize(ret, COPYTREE_SHOW_MAX, n > room ? path + n - room : path, MIN(n, room));
    return ret;
}

static int skip(const struct walk *walk, const char *why)
{
    char shown[COPYTREE_SHOW_MAX];

    walk->copy->counts.skipped++;
    if (walk->copy->skip)
        walk->copy->skip(walk->copy->user, show(shown, walk->path), why);
    return 0;
}

static int fail(const struct walk *walk, const char *doing, struct error *err)
{
    char shown[COPYTREE_SHOW_MAX];
    int  saved = errno;

    return error_sys(err, saved, "%s '%s'", doing, show(shown, walk->path));
}

// What cannot be read is left out, or fails.
static int fail_reading(const struct walk *walk, const char *doing, struct error *err)
{
    if (walk->copy->is_lenient && (errno == EACCES || errno == EPERM))
        return skip(walk, "may not be read");
    if (walk->copy->is_lenient && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return skip(walk, "was removed or replaced meanwhile");
    return fail(walk, doing, err);
}

static int take(const struct walk *walk, uint64_t bytes, uint64_t entries, struct error *err)
{
    const struct copytree        *copy = walk->copy;
    const struct copytree_counts *counts = &copy->counts;

    if (copy->is_cancelled && copy->is_cancelled(copy->user))
        return error_set(err, ERROR_FAILED, "it was cancelled");
    if (entries && counts->files + counts->dirs + entries > copy->limits.entries_max)
        return error_set(err, ERROR_INVALID,
                         "there are more than %" PRIu32 " files and directories",
                         copy->limits.entries_max);
    if (bytes &&
        (counts->bytes > copy->limits.bytes_max || bytes > copy->limits.bytes_max - counts->bytes))
        return error_set(err, ERROR_NO_SPACE, "there are more than %" PRIu64 " bytes",
                         copy->limits.bytes_max);
    return copy->take ? copy->take(copy->user, bytes, entries, err) : 0;
}

// ---- bytes ------------------------------------------------------------------------------------

// As copy_file_range(2), where that does not work.
static ssize_t copy_block(int from, int to, size_t n)
{
    static _Thread_local char block[BLOCK_BYTES];
    struct error              ignored;
    ssize_t                   got = fd_read_up_to(from, block, MIN(n, sizeof block));

    if (got > 0 && fd_write_all(to, block, (size_t)got, &ignored) < 0) {
        errno = ignored.errnum;
        return -1;
    }
    return got;
}

static ssize_t copy_some(int from, int to, size_t n)
{
    ssize_t done = copy_file_range(from, NULL, to, NULL, n, 0);

    // Some file systems have no such call, some pairs of them refuse it, and some, procfs among
    // them, answer that there is nothing.
    if (done == 0 || (done < 0 && errno != ENOSPC && errno != EDQUOT && errno != EINTR))
        return copy_block(from, to, n);
    return done;
}

// Copies what the file had when it was opened, or less where it has shrunk.
static int copy_bytes(struct walk *walk, int from, int to, uint64_t n, struct error *err)
{
    while (n > 0) {
        uint64_t part = MIN(n, COPY_BYTES);
        if (take(walk, part, 0, err) < 0)
            return -1;
        for (uint64_t left = part; left > 0;) {
            ssize_t done = copy_some(from, to, (size_t)left);
            if (done < 0 && errno == EINTR)
                continue;
            if (done < 0)
                return fail(walk, "copying", err);
            if (done == 0)
                return 0;
            left -= (uint64_t)done;
            walk->copy->counts.bytes += (uint64_t)done;
        }
        n -= part;
    }
    return 0;
}

// ---- files ------------------------------------------------------------------------------------

static bool is_same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int finish_file(struct walk *walk, int from, const struct stat *was, int to,
                       struct error *err)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, was->st_mtim };
    char            shown[COPYTREE_SHOW_MAX];
    struct stat     now;

    if (walk->copy->is_steady) {
        if (fstat(from, &now) < 0)
            return fail(walk, "looking at", err);
        if (now.st_size != was->st_size || !is_same_time(&now, was))
            return error_set(err, ERROR_BUSY, "'%s' was changed while it was copied: try again",
                             show(shown, walk->path));
    }
    if (fchmod(to, space_mode(was->st_mode & 0111)) < 0)
        return fail(walk, "changing the mode of", err);
    if (!walk->copy->keeps_times)
        return space_stamp(to, err);
    return futimens(to, times) < 0 ? fail(walk, "setting the time of", err) : 0;
}

static int copy_file(struct walk *walk, int from_fd, const char *name, int to_fd,
                     const char *to_name, struct error *err)
{
    const struct copytree_limits *limits = &walk->copy->limits;
    struct stat                   st;

    AUTO_FD from = openat(from_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0)
        return fail_reading(walk, "opening", err);
    if (!S_ISREG(st.st_mode))
        return walk->copy->is_lenient ? skip(walk, "was replaced meanwhile")
                                      : error_set(err, ERROR_INVALID, "it is no regular file");
    if ((uint64_t)st.st_size > limits->file_bytes_max)
        return error_set(err, ERROR_NO_SPACE,
                         "it has %" PRIu64 " bytes, and %" PRIu64 " are allowed for one file",
                         (uint64_t)st.st_size, limits->file_bytes_max);
    if (take(walk, 0, 1, err) < 0)
        return -1;
    walk->copy->counts.files++;
    AUTO_FD to = openat(to_fd, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return fail(walk, "making", err);
    if (copy_bytes(walk, from, to, (uint64_t)st.st_size, err) < 0)
        return -1;
    return finish_file(walk, from, &st, to, err);
}

// Whether the base's file was this one when it was published. Equal in size, time and x bit is
// equal enough: src/files gives every file that it writes a time of its own, to the nanosecond.
static bool is_of_base(int base_fd, const char *name, const struct stat *st)
{
    struct stat base;

    return base_fd >= 0 && fstatat(base_fd, name, &base, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(base.st_mode) && base.st_size == st->st_size && is_same_time(&base, st) &&
           !(base.st_mode & 0111) == !(st->st_mode & 0111);
}

static int link_file(struct walk *walk, int base_fd, int to_fd, const char *name,
                     const struct stat *st, struct error *err)
{
    if (take(walk, (uint64_t)st->st_size, 1, err) < 0)
        return -1;
    if (linkat(base_fd, name, to_fd, name, 0) < 0)
        return fail(walk, "linking", err);
    walk->copy->counts.files++;
    walk->copy->counts.linked++;
    walk->copy->counts.bytes += (uint64_t)st->st_size;
    return 0;
}

// ---- the walk ---------------------------------------------------------------------------------

static int copy_dir(struct walk *walk, int from_fd, int to_fd, int base_fd, unsigned depth,
                    struct error *err);

static int enter(struct walk *walk, int from_fd, int to_fd, int base_fd, const char *name,
                 unsigned depth, struct error *err)
{
    if (depth > walk->copy->limits.depth_max)
        return error_set(err, ERROR_INVALID, "it is too deep: %" PRIu32 " directories are allowed",
                         walk->copy->limits.depth_max);
    AUTO_FD from = openat(from_fd, name, dir_flags);
    if (from < 0)
        return fail_reading(walk, "opening", err);
    if (take(walk, 0, 1, err) < 0)
        return -1;
    walk->copy->counts.dirs++;
    if (mkdirat(to_fd, name, SPACE_MODE_DIR) < 0)
        return fail(walk, "making", err);
    AUTO_FD to = openat(to_fd, name, dir_flags);
    if (to < 0 || fchmod(to, SPACE_MODE_DIR) < 0)
        return fail(walk, "making", err);
    AUTO_FD base = base_fd >= 0 ? openat(base_fd, name, dir_flags) : -1; // it may have none
    return copy_dir(walk, from, to, base, depth, err);
}

static int visit(struct walk *walk, int from_fd, int to_fd, int base_fd, const char *name,
                 unsigned depth, struct error *err)
{
    struct error why = { 0 };
    struct stat  st;

    if (filename_is_hidden(name))
        return 0;
    if (walk->copy->is_strict && filename_check(name, &why) < 0)
        return skip(walk, "has a name that may not be used");
    if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_reading(walk, "looking at", err);
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        return enter(walk, from_fd, to_fd, base_fd, name, depth, err);
    case S_IFREG:
        return is_of_base(base_fd, name, &st) ? link_file(walk, base_fd, to_fd, name, &st, err)
                                              : copy_file(walk, from_fd, name, to_fd, name, err);
    case S_IFLNK:
        return skip(walk, "is a symbolic link");
    default:
        return skip(walk, "is not a file or directory");
    }
}

static bool path_push(struct walk *walk, const char *name)
{
    size_t n = strlen(walk->path), n_name = strlen(name);

    if (n + 1 + n_name >= sizeof walk->path)
        return false;
    if (n > 0)
        walk->path[n++] = '/';
    memcpy(walk->path + n, name, n_name + 1);
    return true;
}

static int copy_dir(struct walk *walk, int from_fd, int to_fd, int base_fd, unsigned depth,
                    struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    size_t      n = strlen(walk->path);
    char        shown[COPYTREE_SHOW_MAX];
    int         r;

    if (dir_open(&dir, from_fd, err) < 0)
        return error_prefix(err, "'%s'", show(shown, walk->path));
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (!path_push(walk, name))
            return error_set(err, ERROR_INVALID, "a path in '%.60s' is too long",
                             show(shown, walk->path));
        if (visit(walk, from_fd, to_fd, base_fd, name, depth + 1, err) < 0)
            return -1;
        walk->path[n] = '\0';
    }
    return r;
}

static int run(struct copytree *copy, const char *path, int from_fd, const char *name, int to_fd,
               const char *to_name, int base_fd, struct error *err)
{
    AUTO(freep) struct walk *walk = calloc(1, sizeof *walk);
    char                     shown[COPYTREE_SHOW_MAX];

    if (!walk)
        return error_sys(err, ENOMEM, "copying");
    walk->copy = copy;
    (void)snprintf(walk->path, sizeof walk->path, "%s", path);
    int r = name ? copy_file(walk, from_fd, name, to_fd, to_name, err)
                 : copy_dir(walk, from_fd, to_fd, base_fd, 0, err);
    if (r < 0 && !strchr(err->message, '\'')) // it does not say where
        return error_prefix(err, "'%s'", show(shown, walk->path));
    return r;
}

int copytree_run(struct copytree *copy, int from_fd, int to_fd, int base_fd, struct error *err)
{
    return run(copy, "", from_fd, NULL, to_fd, NULL, base_fd, err);
}

int copytree_file(struct copytree *copy, int from_fd, const char *name, int to_fd,
                  const char *to_name, struct error *err)
{
    return run(copy, name, from_fd, name, to_fd, to_name, -1, err);
}
