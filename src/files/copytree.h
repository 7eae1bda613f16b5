// SPDX-License-Identifier: MIT
#pragma once

// copytree: copies files and directories, and nothing else, out of a tree that may be hostile.
//
// Names in it may be any bytes, files may grow while they are read, directories may be closed, deep
// or endless. No link is followed, nothing but regular files is opened, and all that is made is
// new: an entry that is there already is an error. Directories get mode 0750, files 0640 or, with
// an x bit, 0750. Bytes go by copy_file_range(2), which shares blocks where the file system can.

#include <stdint.h>
#include "base/error.h"

#define COPYTREE_SHOW_MAX 161u // bytes of a path in a message, the NUL included

struct copytree_limits {
    uint64_t bytes_max;
    uint64_t file_bytes_max;
    uint32_t entries_max; // files and directories
    uint32_t depth_max;   // directories in one another, the first one not counted
};

struct copytree_counts {
    uint64_t files, dirs, bytes; // of what was made; bytes of linked files count as well
    uint64_t linked;             // files that are hard links to the base's
    uint64_t skipped;
};

struct copytree {
    struct copytree_limits limits;
    bool                   keeps_times; // or each file gets a time of its own
    bool                   is_strict;   // names that may not be made are skipped, see filename.h
    bool                   is_lenient;  // what cannot be read is skipped
    bool                   is_steady;   // a file that changes while it is copied is an error
    // Asked before bytes and entries come to the disk; NULL: nobody is asked.
    int (*take)(void *user, uint64_t bytes, uint64_t entries, struct error *err);
    // Told what was left out: the path without control bytes, and half a sentence.
    void (*skip)(void *user, const char *path, const char *why);
    bool (*is_cancelled)(void *user); // NULL: never
    void                  *user;
    struct copytree_counts counts; // begins as zeros
};

// Fills the directory `to_fd` with what `from_fd` holds. With `base_fd` (or -1), a file of the same
// path, size, time and x bit there is linked instead of copied: all three directories must then be
// reached through one mount, or the kernel refuses.
int copytree_run(struct copytree *copy, int from_fd, int to_fd, int base_fd, struct error *err)
    MUST_USE;

// Copies the regular file `name` of `from_fd` to the new name `to_name` in `to_fd`.
int copytree_file(struct copytree *copy, int from_fd, const char *name, int to_fd,
                  const char *to_name, struct error *err) MUST_USE;
