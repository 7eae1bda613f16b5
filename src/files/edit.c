// SPDX-License-Identifier: MIT
#include "files/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "files/filename.h"

// ---- reading ----------------------------------------------------------------------------------

int edit_open(int *ret, struct listing_entry *ret_entry, struct space *space, const char *path,
              struct error *err)
{
    AUTO_FD     dir_fd = -1;
    const char *name;
    struct stat st;

    if (space_open_parent(&dir_fd, &name, space, path, false, err) < 0)
        return -1;
    // A FIFO or a terminal must not hold us up before it is seen for what it is.
    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO))
        return error_set(err, ERROR_INVALID, "'%.160s' is not a regular file", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening '%.160s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%.160s' is not a regular file", path);
    listing_describe(ret_entry, name, &st);
    *ret = TAKE_FD(fd);
    return 0;
}

// ---- saving -----------------------------------------------------------------------------------

int edit_look(struct stat *ret, int dir_fd, const char *name, const char *path, struct error *err)
{
    if (fstatat(dir_fd, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT)
        return error_sys(err, errno, "looking at '%.160s'", path);
    *ret = (struct stat){ 0 };
    return 0;
}

int edit_check(const struct stat *st, const char *path, const struct edit_options *options,
               struct error *err)
{
    struct listing_entry entry;

    bool is_any = options->only_if && strcmp(options->only_if, EDIT_ANY) == 0;
    if (!st->st_mode && options->only_if)
        return error_set(err, ERROR_NOT_FOUND,
                         is_any ? "there is no '%.160s' to replace"
                                : "'%.160s' was removed since it was opened",
                         path);
    if (!st->st_mode)
        return 0;
    if (options->is_new)
        return error_set(err, ERROR_EXISTS, "'%.160s' exists already", path);
    if (!S_ISREG(st->st_mode))
        return error_set(err, ERROR_EXISTS, "'%.160s' is there already, and no file", path);
    listing_describe(&entry, path, st);
    if (options->only_if && !is_any && strcmp(options->only_if, entry.etag.text) != 0)
        return error_set(err, ERROR_EXISTS,
                         "'%.140s' was changed by somebody else since it was opened", path);
    return 0;
}

static bool wants_program(const struct stat *old, enum edit_program program)
{
    return program == EDIT_PROGRAM_YES || (program == EDIT_PROGRAM_KEEP && old->st_mode & 0100);
}

// Makes the file `name` in `stage`, safe on disk.
static int make_file(struct stat *ret, const struct space *space, const char *name,
                     const void *bytes, size_t n, bool is_program, struct error *err)
{
    AUTO_FD fd = openat(space->stage_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_sys(err, errno, "making a file");
    if (fd_write_all(fd, bytes, n, err) < 0 || space_stamp(fd, err) < 0)
        return -1;
    if (fchmod(fd, space_mode(is_program)) < 0 || fsync(fd) < 0 || fstat(fd, ret) < 0)
        return error_sys(err, errno, "writing to disk");
    return 0;
}

// While locked: nobody of ours changes what was looked at.
static int replace(struct listing_entry *ret, struct space *space, int dir_fd, const char *name,
                   const void *bytes, size_t n, bool is_program, struct error *err)
{
    char        stage[SPACE_STAGE_NAME];
    struct stat st;

    space_stage_name(stage);
    int r = make_file(&st, space, stage, bytes, n, is_program, err);
    if (r == 0 && renameat(space->stage_fd, stage, dir_fd, name) < 0)
        r = error_sys(err, errno, "replacing the file");
    if (r < 0) {
        (void)unlinkat(space->stage_fd, stage, 0); // or it is swept away later
        return error_prefix(err, "'%.80s'", name);
    }
    listing_describe(ret, name, &st);
    return space_sync_dir(dir_fd, name, err);
}

int edit_save(struct listing_entry *ret, struct space *space, const char *path, const void *bytes,
              size_t n, const struct edit_options *options, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    AUTO_FD                           dir_fd = -1;
    const char                       *name;
    struct stat                       old;

    if (n > EDIT_SAVE_MAX)
        return error_set(err, ERROR_INVALID, "a file to save has at most %llu bytes",
                         (unsigned long long)EDIT_SAVE_MAX);
    if (filename_check(path, err) < 0 || space_check_file(space, n, err) < 0 ||
        space_lock(&locked, space, err) < 0 ||
        space_open_parent(&dir_fd, &name, space, path, options->makes_parents, err) < 0 ||
        edit_look(&old, dir_fd, name, path, err) < 0 || edit_check(&old, path, options, err) < 0)
        return -1;
    int64_t  entries = old.st_mode ? 0 : 1, growth = (int64_t)n - (old.st_mode ? old.st_size : 0);
    uint64_t shrinks_by = growth < 0 ? (uint64_t)-growth : 0;
    // Not for the moment in which both are there: what is full could not be edited any more.
    if (space_charge(space, MAX(growth, 0), entries, err) < 0)
        return -1;
    if (replace(ret, space, dir_fd, name, bytes, n, wants_program(&old, options->program), err) <
        0) {
        space_refund(space, (uint64_t)MAX(growth, 0), (uint64_t)entries);
        return -1;
    }
    if (shrinks_by)
        space_refund(space, shrinks_by, 0);
    return 0;
}
