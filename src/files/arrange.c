// SPDX-License-Identifier: MIT
#include "files/arrange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"
#include "files/edit.h"
#include "files/filename.h"

// Where something is: its directory, and its name in it.
struct place {
    int         dir_fd;
    const char *name, *path;
    struct stat st; // mode 0: nothing is there
};

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static void place_done(struct place *place)
{
    place->dir_fd = fd_close(place->dir_fd);
}
#define AUTO_PLACE AUTO(place_done) struct place

static int place_open(struct place *place, struct space *space, const char *path,
                      bool makes_parents, struct error *err)
{
    place->path = path;
    if (space_open_parent(&place->dir_fd, &place->name, space, path, makes_parents, err) < 0)
        return -1;
    return edit_look(&place->st, place->dir_fd, place->name, path, err);
}

static int place_open_old(struct place *place, struct space *space, const char *path,
                          struct error *err)
{
    if (place_open(place, space, path, false, err) < 0)
        return -1;
    if (!place->st.st_mode)
        return error_set(err, ERROR_NOT_FOUND, "there is no '%.160s'", path);
    return 0;
}

// ---- what is put aside ------------------------------------------------------------------------

// Something that has left the tree and is to be removed once nobody has to wait for it. Held, so
// that nobody else sweeps it away meanwhile.
struct aside {
    struct space *space;
    int           fd; // of a directory; -1: there is none
    char          name[SPACE_STAGE_NAME];
};

static void aside_done(struct aside *aside)
{
    struct error ignored; // it is swept away later

    if (aside->fd >= 0)
        (void)!tree_remove(aside->space->stage_fd, aside->name, &ignored);
    aside->fd = fd_close(aside->fd);
}
#define AUTO_ASIDE AUTO(aside_done) struct aside

// Prepares to remove what is at `place`: knows what it takes up, in bytes and entries.
static int aside_prepare(struct aside *aside, struct space_usage *ret, struct space *space,
                         const struct place *place, struct error *err)
{
    unsigned depth;

    aside->space = space;
    space_stage_name(aside->name);
    *ret = (struct space_usage){ S_ISREG(place->st.st_mode) ? (uint64_t)place->st.st_size : 0, 1 };
    if (!S_ISDIR(place->st.st_mode))
        return 0;
    AUTO_FD            fd = openat(place->dir_fd, place->name, dir_flags);
    struct space_usage below;
    if (fd < 0)
        return error_sys(err, errno, "opening '%.160s'", place->path);
    if (space_count(&below, &depth, fd, err) < 0)
        return -1;
    ret->bytes += below.bytes;
    ret->entries += below.entries;
    (void)flock(fd, LOCK_EX | LOCK_NB); // if it fails, it is removed twice
    aside->fd = TAKE_FD(fd);
    return 0;
}

// Takes the entry `name` of `dir_fd` out of the tree.
static int aside_take(struct aside *aside, int dir_fd, const char *name, struct error *err)
{
    if (aside->fd < 0) // a file goes at once
        return unlinkat(dir_fd, name, 0) < 0 ? error_sys(err, errno, "removing '%.160s'", name) : 0;
    if (renameat(dir_fd, name, aside->space->stage_fd, aside->name) < 0)
        return error_sys(err, errno, "removing '%.160s'", name);
    return 0;
}

// ---- directories ------------------------------------------------------------------------------

int arrange_mkdir(struct space *space, const char *path, bool makes_parents, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    AUTO_PLACE                        place = { .dir_fd = -1 };

    if (filename_check(path, err) < 0 || space_lock(&locked, space, err) < 0 ||
        place_open(&place, space, path, makes_parents, err) < 0)
        return -1;
    if (S_ISDIR(place.st.st_mode))
        return 0;
    if (place.st.st_mode)
        return error_set(err, ERROR_EXISTS, "'%.160s' is there already, and no directory", path);
    if (space_charge(space, 0, 1, err) < 0)
        return -1;
    if (mkdirat(place.dir_fd, place.name, SPACE_MODE_DIR) < 0) {
        space_refund(space, 0, 1);
        return error_sys(err, errno, "making the directory '%.160s'", path);
    }
    AUTO_FD fd = openat(place.dir_fd, place.name, dir_flags);
    if (fd < 0 || fchmod(fd, SPACE_MODE_DIR) < 0)
        return error_sys(err, errno, "making the directory '%.160s'", path);
    return space_sync_dir(place.dir_fd, path, err);
}

// ---- moving -----------------------------------------------------------------------------------

static int check_replace(const struct stat *from, const struct place *to, bool replaces,
                         struct error *err)
{
    if (!to->st.st_mode)
        return 0;
    if (!replaces)
        return error_set(err, ERROR_EXISTS, "'%.160s' exists already", to->path);
    if (S_ISDIR(from->st_mode) != S_ISDIR(to->st.st_mode))
        return error_set(err, ERROR_EXISTS,
                         "'%.120s' is there already, and a file and a directory do not replace "
                         "each other",
                         to->path);
    return 0;
}

static int fail_rename(const char *to, struct error *err)
{
    if (errno == EINVAL || errno == ENOTEMPTY)
        return error_set(err, ERROR_INVALID,
                         "'%.140s' is inside of what is moved, or holds it: nothing goes into "
                         "itself",
                         to);
    return error_sys(err, errno, "moving to '%.160s'", to);
}

// Gives the entry `name` of `dir_fd` the place `to`; what was there is removed afterwards, and what
// it took up is given back.
static int put(struct space *space, int dir_fd, const char *name, const struct place *to,
               struct aside *aside, struct error *err)
{
    struct space_usage old;

    if (!to->st.st_mode) {
        if (renameat2(dir_fd, name, to->dir_fd, to->name, RENAME_NOREPLACE) < 0)
            return fail_rename(to->path, err);
        return 0;
    }
    if (aside_prepare(aside, &old, space, to, err) < 0)
        return -1;
    if (renameat2(dir_fd, name, to->dir_fd, to->name, RENAME_EXCHANGE) < 0)
        return fail_rename(to->path, err);
    if (aside_take(aside, dir_fd, name, err) < 0)
        return -1;
    space_refund(space, old.bytes, old.entries);
    return 0;
}

// What is in a directory must still be within the depth that can be published.
static int check_depth(const struct place *from, const char *to, struct error *err)
{
    struct space_usage usage;
    unsigned           depth = 0, above = 1;

    if (!S_ISDIR(from->st.st_mode))
        return 0;
    AUTO_FD fd = openat(from->dir_fd, from->name, dir_flags);
    if (fd < 0)
        return error_sys(err, errno, "opening '%.160s'", from->path);
    if (space_count(&usage, &depth, fd, err) < 0)
        return -1;
    for (const char *c = to; *c; c++)
        above += *c == '/';
    if (above + depth > FILENAME_DEPTH_MAX)
        return error_set(err, ERROR_INVALID,
                         "what is in '%.120s' would be too deep: %u names are the limit",
                         from->path, FILENAME_DEPTH_MAX);
    return 0;
}

int arrange_move(struct space *space, const char *from, const char *to, bool replaces,
                 struct error *err)
{
    AUTO_ASIDE                        aside = { .fd = -1 };
    AUTO(space_unlockp) struct space *locked = NULL;
    AUTO_PLACE                        source = { .dir_fd = -1 };
    AUTO_PLACE                        target = { .dir_fd = -1 };

    if (filename_check(to, err) < 0 || space_lock(&locked, space, err) < 0 ||
        place_open_old(&source, space, from, err) < 0 ||
        place_open(&target, space, to, false, err) < 0)
        return -1;
    if (strcmp(from, to) == 0)
        return 0;
    if (check_replace(&source.st, &target, replaces, err) < 0 ||
        check_depth(&source, to, err) < 0 ||
        put(space, source.dir_fd, source.name, &target, &aside, err) < 0 ||
        space_sync_dir(target.dir_fd, to, err) < 0)
        return -1;
    return space_sync_dir(source.dir_fd, from, err);
}

int arrange_bring(struct space *space, int dir_fd, const char *name, const char *path,
                  bool replaces, bool makes_parents, struct error *err)
{
    AUTO_ASIDE                        aside = { .fd = -1 };
    AUTO(space_unlockp) struct space *locked = NULL;
    AUTO_PLACE                        source = { .dir_fd = -1, .name = name, .path = path };
    AUTO_PLACE                        target = { .dir_fd = -1 };

    source.dir_fd = openat(dir_fd, ".", dir_flags);
    if (source.dir_fd < 0 || fstatat(dir_fd, name, &source.st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "bringing '%.160s' into place", path);
    if (space_lock(&locked, space, err) < 0 ||
        place_open(&target, space, path, makes_parents, err) < 0 ||
        check_replace(&source.st, &target, replaces, err) < 0 ||
        check_depth(&source, path, err) < 0 || put(space, dir_fd, name, &target, &aside, err) < 0)
        return -1;
    return space_sync_dir(target.dir_fd, path, err);
}

// ---- removing ---------------------------------------------------------------------------------

int arrange_remove(struct space *space, const char *path, bool with_all, struct error *err)
{
    AUTO_ASIDE                        aside = { .fd = -1 };
    AUTO(space_unlockp) struct space *locked = NULL;
    AUTO_PLACE                        place = { .dir_fd = -1 };
    struct space_usage                old;

    if (space_lock(&locked, space, err) < 0 || place_open_old(&place, space, path, err) < 0 ||
        aside_prepare(&aside, &old, space, &place, err) < 0)
        return -1;
    if (S_ISDIR(place.st.st_mode) && !with_all && old.entries > 1)
        return error_set(err, ERROR_EXISTS, "the directory '%.160s' is not empty", path);
    if (aside_take(&aside, place.dir_fd, place.name, err) < 0)
        return -1;
    space_refund(space, old.bytes, old.entries);
    return space_sync_dir(place.dir_fd, path, err);
}
