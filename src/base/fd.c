// SPDX-License-Identifier: MIT
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void)close(fd); // nothing to be done about it, and Linux frees the number anyway
    errno = saved;
    return -1;
}

void fd_closep(int *fd)
{
    *fd = fd_close(*fd);
}

// Takes one step: the next component of *path is opened below `dir_fd` as a directory, or, as the
// last one, with `flags`. *path moves on.
static int open_step(int dir_fd, const char **path, int flags, mode_t mode)
{
    char        name[NAME_MAX + 1];
    const char *end = strchrnul(*path, '/');
    size_t      n = (size_t)(end - *path);

    if (n == 0 || n > NAME_MAX) {
        errno = n ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    memcpy(name, *path, n);
    name[n] = '\0';
    if (strcmp(name, "..") == 0) {
        errno = EXDEV;
        return -1;
    }
    *path = *end ? end + 1 : end;
    if (*end && !end[1]) { // "a/"
        errno = EINVAL;
        return -1;
    }
    if (*end)
        return openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int fd_open_beneath(int *ret, int dir_fd, const char *path, int flags, mode_t mode,
                    struct error *err)
{
    AUTO_FD     fd = -1;
    const char *rest = path;

    // An O_PATH descriptor of a link would be one that leads out, the next time it is used.
    assert(!(flags & O_PATH) || flags & O_DIRECTORY);
    do {
        int next = open_step(fd < 0 ? dir_fd : fd, &rest, flags, mode);
        if (next < 0)
            return error_sys(err, errno, "opening '%s'", path);
        (void)fd_close(fd);
        fd = next;
    } while (*rest);
    *ret = TAKE_FD(fd);
    return 0;
}

int fd_open_dir(int *ret, int dir_fd, const char *path, struct error *err)
{
    return fd_open_beneath(ret, dir_fd, path, O_RDONLY | O_DIRECTORY, 0, err);
}

int fd_open_file(int *ret, uint64_t *ret_bytes, int dir_fd, const char *path, struct error *err)
{
    AUTO_FD     fd = -1;
    struct stat st;

    // A FIFO or a terminal must not hold us up before it is seen for what it is.
    if (fd_open_beneath(&fd, dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at '%s'", path);
    if (!S_ISREG(st.st_mode) || st.st_size < 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a regular file", path);
    *ret = TAKE_FD(fd);
    *ret_bytes = (uint64_t)st.st_size;
    return 0;
}

ssize_t fd_read_up_to(int fd, void *bytes, size_t n)
{
    char  *p = bytes;
    size_t done = 0;

    while (done < n) {
        ssize_t got = read(fd, p + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int fd_read_exactly(int fd, void *bytes, size_t n, struct error *err)
{
    ssize_t got = fd_read_up_to(fd, bytes, n);

    if (got < 0)
        return error_sys(err, errno, "reading");
    if ((size_t)got != n)
        return error_set(err, ERROR_INVALID, "the file is %zu bytes short", n - (size_t)got);
    return 0;
}

int fd_write_all(int fd, const void *bytes, size_t n, struct error *err)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_sys(err, errno, "writing");
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

int fd_read_file(char **ret, size_t *ret_n, int dir_fd, const char *path, size_t max_bytes,
                 struct error *err)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *text = NULL;
    uint64_t          n_bytes = 0;

    if (fd_open_file(&fd, &n_bytes, dir_fd, path, err) < 0)
        return -1;
    if (n_bytes > max_bytes)
        return error_set(err, ERROR_INVALID, "'%s' is larger than %zu bytes", path, max_bytes);

    text = malloc((size_t)n_bytes + 1);
    if (!text)
        return error_sys(err, ENOMEM, "reading '%s'", path);
    ssize_t got = fd_read_up_to(fd, text, (size_t)n_bytes);
    if (got < 0)
        return error_sys(err, errno, "reading '%s'", path);
    text[got] = '\0';
    if (ret_n)
        *ret_n = (size_t)got;
    *ret = TAKE(text);
    return 0;
}

int fd_replace_file(int dir_fd, const char *name, const void *bytes, size_t n, mode_t mode,
                    struct error *err)
{
    AUTO_FD fd = -1;
    char    tmp[NAME_MAX + 1];

    if (!fd_is_component(name) || (size_t)snprintf(tmp, sizeof tmp, ".%s.tmp", name) >= sizeof tmp)
        return error_set(err, ERROR_INVALID, "'%.40s' is not a file name", name);

    fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return error_sys(err, errno, "creating '%s'", name);
    if (fchmod(fd, mode) < 0)
        error_sys(err, errno, "creating '%s'", name);
    else if (fd_write_all(fd, bytes, n, err) < 0)
        error_prefix(err, "'%s'", name);
    else if (fdatasync(fd) < 0)
        error_sys(err, errno, "writing '%s'", name);
    else if (renameat(dir_fd, tmp, dir_fd, name) < 0)
        error_sys(err, errno, "replacing '%s'", name);
    else
        return fsync(dir_fd) < 0 ? error_sys(err, errno, "writing '%s'", name) : 0;
    (void)unlinkat(dir_fd, tmp, 0); // the first error is the one to report
    return -1;
}

bool fd_is_component(const char *name)
{
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}
