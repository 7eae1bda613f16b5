// SPDX-License-Identifier: MIT
#pragma once

// fd: descriptors that close themselves, and paths that cannot leave the directory they start in.
//
// Every function that takes a path below `dir_fd` walks it component by component with O_NOFOLLOW
// and refuses "..": a symbolic link anywhere in it is an error, not a way out. openat2(2) would do
// the same in one call, but units with RestrictSUIDSGID= are answered ENOSYS to it.
// Descriptors are born O_CLOEXEC.

#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"

// Takes a descriptor or -1, keeps errno, returns -1.
int  fd_close(int fd);
void fd_closep(int *fd);
#define AUTO_FD AUTO(fd_closep) int
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int take_ = (fd);                                                                          \
        (fd) = -1;                                                                                 \
        take_;                                                                                     \
    })

// Opens `path` below `dir_fd` with `flags` (O_CLOEXEC and O_NOFOLLOW are added). The error names
// `path`.
int fd_open_beneath(int *ret, int dir_fd, const char *path, int flags, mode_t mode,
                    struct error *err) MUST_USE;
int fd_open_dir(int *ret, int dir_fd, const char *path, struct error *err) MUST_USE;

// Opens the regular file `path` for reading; anything else of that name is ERROR_INVALID.
int fd_open_file(int *ret, uint64_t *ret_bytes, int dir_fd, const char *path, struct error *err)
    MUST_USE;

// Reads until `n` bytes have come or the file ends; how many did, or -1 with errno.
ssize_t fd_read_up_to(int fd, void *bytes, size_t n);
// Reads or writes exactly `n` bytes; a short file is ERROR_INVALID.
int fd_read_exactly(int fd, void *bytes, size_t n, struct error *err) MUST_USE;
int fd_write_all(int fd, const void *bytes, size_t n, struct error *err) MUST_USE;

// Reads the regular file `path` into *ret (owned, NUL-terminated, *ret_n bytes without the NUL).
// More than `max_bytes` is ERROR_INVALID.
int fd_read_file(char **ret, size_t *ret_n, int dir_fd, const char *path, size_t max_bytes,
                 struct error *err) MUST_USE;

// Replaces the file `name` in directory `dir_fd` (one component) by one rename, after the bytes are
// on disk. A crash leaves the old file or the new one, and perhaps a `.name.tmp`; once it has
// returned, the new one.
int fd_replace_file(int dir_fd, const char *name, const void *bytes, size_t n, mode_t mode,
                    struct error *err) MUST_USE;

// True for one path component: not empty, not "." or "..", without a slash.
bool fd_is_component(const char *name);
