// SPDX-License-Identifier: MIT
#include "guard/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "base/fd.h"
#include "base/text.h"
#include "guard/names.h"
#include "guard/seen.h"

#define SHOW_MAX      80u // bytes of a name in a message
#define OWNER_MAY     (S_IRUSR | S_IXUSR)
#define MODE_AS_IT_IS UINT32_MAX

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct level {
    int          fd;
    uint32_t     mode; // to give back
    struct names names;
};

struct measure {
    uint64_t        entries_max;
    struct measured sum;
    struct seen     seen;
    uint64_t        mount; // which the tree is on
    unsigned        n_levels;
    struct level    levels[MEASURE_DEPTH_MAX];
};

int measure_new(struct measure **ret, uint64_t entries_max, struct error *err)
{
    struct measure *measure = calloc(1, sizeof *measure); // touched as deep as a tree goes

    if (!measure)
        return error_sys(err, ENOMEM, "making room to measure the output");
    if (seen_init(&measure->seen, err) < 0) {
        free(measure);
        return -1;
    }
    measure->entries_max = entries_max;
    *ret = measure;
    return 0;
}

struct measure *measure_free(struct measure *measure)
{
    if (measure)
        seen_done(&measure->seen);
    free(measure);
    return NULL;
}

void measure_begin(struct measure *measure)
{
    measure->sum = (struct measured){ 0 };
    seen_empty(&measure->seen);
}

struct measured measure_sum(const struct measure *measure)
{
    return measure->sum;
}

static int add(struct measure *measure, const struct statx *st, bool is_shared, struct error *err)
{
    int is_new = 1;

    if (is_shared)
        is_new =
            seen_add(&measure->seen, makedev(st->stx_dev_major, st->stx_dev_minor), st->stx_ino);
    if (is_new < 0)
        return error_set(err, ERROR_NO_SPACE, "the output has too many files to be measured");
    if (is_new > 0)
        measure->sum.bytes += st->stx_blocks * 512;
    return 0;
}

int measure_add_file(struct measure *measure, const struct statx *st, struct error *err)
{
    return add(measure, st, true, err);
}

// ---- the walk ---------------------------------------------------------------------------------

// What is gone by the time it is looked at; or is something else, which the next look will see.
static bool is_gone(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == ESTALE;
}

static int fail(const char *doing, const char *name, struct error *err)
{
    char shown[SHOW_MAX];
    int  saved = errno;

    (void)text_sanitize(shown, sizeof shown, name, strlen(name));
    return error_sys(err, saved, "measuring the output: %s '%s'", doing, shown);
}

static void pop(struct measure *measure)
{
    struct level *level = &measure->levels[--measure->n_levels];

    if (level->mode != MODE_AS_IT_IS)
        (void)fchmod(level->fd, level->mode); // it is theirs; if it does not work it stays open
    level->fd = fd_close(level->fd);
}

// Takes `fd`.
static void push(struct measure *measure, int fd, uint32_t mode)
{
    struct level *level = &measure->levels[measure->n_levels++];

    level->fd = fd;
    level->mode = mode;
    names_begin(&level->names, fd);
}

static int descend(struct measure *measure, int parent_fd, const char *name, uint32_t mode,
                   struct error *err)
{
    bool is_closed = (mode & OWNER_MAY) != OWNER_MAY;

    if (measure->n_levels == MEASURE_DEPTH_MAX)
        return error_set(err, ERROR_INVALID,
                         "the output has more than %u directories within each other",
                         MEASURE_DEPTH_MAX);
    if (is_closed && fchmodat(parent_fd, name, (mode & 07777) | OWNER_MAY, 0) < 0 &&
        !is_gone(errno))
        return fail("opening the directory", name, err);
    int fd = openat(parent_fd, name, dir_flags);
    if (fd < 0)
        return is_gone(errno) ? 0 : fail("opening the directory", name, err);
    push(measure, fd, is_closed ? mode & 07777 : MODE_AS_IT_IS);
    return 0;
}

static int take(struct measure *measure, int parent_fd, const char *name, struct error *err)
{
    struct statx st;

    if (statx(parent_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, MEASURE_STATX, &st) < 0)
        return is_gone(errno) ? 0 : fail("looking at", name, err);
    if (st.stx_mnt_id != measure->mount)
        return 0;
    measure->sum.entries++;
    // A directory has one name, whatever the file system counts as its links.
    bool is_dir = S_ISDIR(st.stx_mode);
    if (add(measure, &st, !is_dir && st.stx_nlink > 1, err) < 0)
        return -1;
    return is_dir ? descend(measure, parent_fd, name, st.stx_mode, err) : 0;
}

static int walk(struct measure *measure, struct error *err)
{
    const char *name;

    while (measure->n_levels > 0 && measure->sum.entries <= measure->entries_max) {
        struct level *level = &measure->levels[measure->n_levels - 1];
        int           r = names_next(&name, &level->names);
        if (r < 0 && !is_gone(errno))
            return fail("listing", "a directory", err);
        if (r <= 0)
            pop(measure);
        else if (take(measure, level->fd, name, err) < 0)
            return -1;
    }
    return 0;
}

int measure_add_tree(struct measure *measure, int root_fd, struct error *err)
{
    struct statx st;

    if (statx(root_fd, "", AT_EMPTY_PATH, MEASURE_STATX, &st) < 0)
        return fail("looking at", ".", err);
    bool is_closed = (st.stx_mode & OWNER_MAY) != OWNER_MAY;
    if (is_closed && fchmod(root_fd, (st.stx_mode & 07777) | OWNER_MAY) < 0)
        return fail("opening the directory", ".", err);
    int fd = openat(root_fd, ".", dir_flags); // with a position of its own
    if (fd < 0)
        return fail("opening the directory", ".", err);
    push(measure, fd, is_closed ? st.stx_mode & 07777 : MODE_AS_IT_IS);
    measure->mount = st.stx_mnt_id;
    int r = add(measure, &st, true, err);
    if (r == 0)
        r = walk(measure, err);
    while (measure->n_levels > 0)
        pop(measure);
    return r;
}
