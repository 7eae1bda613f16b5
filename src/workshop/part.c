// SPDX-License-Identifier: MIT
#include "workshop/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fd.h"

#define VALIDATOR_XATTR "user.left4me.validator"

// Whether `name` is still the file that is open: it may have been renamed or removed meanwhile.
static int is_still(int item_fd, const char *name, const struct stat *open_one, struct error *err)
{
    struct stat st;

    if (fstatat(item_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "looking at '%s'", name);
    return st.st_ino == open_one->st_ino && st.st_dev == open_one->st_dev;
}

// 1: locked; 0: somebody else has it; 2: it is not the file of that name any more.
static int try_open(int *ret, struct stat *ret_st, int item_fd, const char *name, struct error *err)
{
    AUTO_FD fd = openat(item_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, CACHE_FILE_MODE);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", name);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? 0 : error_sys(err, errno, "locking '%s'", name);
    if (fchmod(fd, CACHE_FILE_MODE) < 0 || fstat(fd, ret_st) < 0)
        return error_sys(err, errno, "looking at '%s'", name);
    if (!S_ISREG(ret_st->st_mode))
        return error_set(err, ERROR_SYSTEM, "'%s' in the cache is not a regular file", name);
    int r = is_still(item_fd, name, ret_st, err);
    if (r <= 0)
        return r < 0 ? -1 : 2;
    *ret = TAKE_FD(fd);
    return 1;
}

static void read_validator(struct part *part)
{
    ssize_t n = fgetxattr(part->fd, VALIDATOR_XATTR, part->validator, sizeof part->validator - 1);

    part->validator[n > 0 ? n : 0] = '\0'; // none, or one that is of no use
}

int part_open(struct part *ret, int item_fd, const struct item_version *version, struct error *err)
{
    struct part part = PART_NONE;
    struct stat st;
    char        name[CACHE_NAME_MAX];
    int         r;

    version_name(name, version, CACHE_PART);
    do
        r = try_open(&part.fd, &st, item_fd, name, err);
    while (r == 2);
    if (r <= 0)
        return r;
    part.item_fd = fcntl(item_fd, F_DUPFD_CLOEXEC, 0);
    if (part.item_fd < 0) {
        (void)error_sys(err, errno, "opening '%s'", name);
        part_done(&part);
        return -1;
    }
    part.version = *version;
    part.n_bytes = (uint64_t)MAX(st.st_size, (off_t)0);
    part.is_resumed = part.n_bytes > 0;
    read_validator(&part);
    *ret = part;
    return 1;
}

void part_done(struct part *part)
{
    (void)fd_close(part->fd);
    (void)fd_close(part->item_fd);
    *part = PART_NONE;
}

// The bytes go first: with a new validator the old ones would be taken for its.
int part_restart(struct part *part, const char *validator, struct error *err)
{
    if (ftruncate(part->fd, 0) < 0 || lseek(part->fd, 0, SEEK_SET) < 0)
        return error_sys(err, errno, "emptying a file of the cache");
    part->n_bytes = 0;
    part->is_resumed = false;
    part->validator[0] = '\0';
    if (!*validator) {
        if (fremovexattr(part->fd, VALIDATOR_XATTR) < 0 && errno != ENODATA && errno != ENOTSUP)
            return error_sys(err, errno, "marking a file of the cache");
        return 0;
    }
    // Where there are no attributes every try begins at the beginning.
    if (fsetxattr(part->fd, VALIDATOR_XATTR, validator, strlen(validator), 0) == 0)
        (void)stpncpy(part->validator, validator, sizeof part->validator - 1);
    else if (errno != ENOTSUP)
        return error_sys(err, errno, "marking a file of the cache");
    return 0;
}

int part_append(struct part *part, const void *bytes, size_t n, struct error *err)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t done = pwrite(part->fd, p, n, (off_t)part->n_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_sys(err, done < 0 ? errno : EIO, "writing to the cache");
        p += done;
        n -= (size_t)done;
        part->n_bytes += (uint64_t)done;
    }
    return 0;
}

int part_publish(struct part *part, struct error *err)
{
    char from[CACHE_NAME_MAX], to[CACHE_NAME_MAX];

    version_name(from, &part->version, CACHE_PART);
    version_name(to, &part->version, CACHE_WHOLE);
    // Best effort: whoever makes a generation of it drops what is left.
    (void)fremovexattr(part->fd, VALIDATOR_XATTR);
    if (renameat(part->item_fd, from, part->item_fd, to) < 0)
        return error_sys(err, errno, "naming a file of the cache");
    return 0;
}

void part_discard(struct part *part)
{
    char name[CACHE_NAME_MAX];

    version_name(name, &part->version, CACHE_PART);
    (void)unlinkat(part->item_fd, name, 0); // or it is found again, and found wrong again
    part_done(part);
}
