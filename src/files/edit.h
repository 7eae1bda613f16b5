// SPDX-License-Identifier: MIT
#pragma once

// edit: single files of the working tree: reading them, and saving them whole.
//
// A save is a new file that takes the old one's name by a rename, after its bytes are on disk: who
// reads sees the old file or the new one, and so does the machine after a power cut. It keeps the x
// bit and nothing else of the old one.

#include "files/listing.h"

#define EDIT_SAVE_MAX (UINT64_C(16) << 20) // bytes; more is uploaded, see upload.h

// Opens a regular file for reading; anything else is ERROR_INVALID. *ret_entry says what it is, for
// this very descriptor; its name is borrowed from `path`.
int edit_open(int *ret, struct listing_entry *ret_entry, struct space *space, const char *path,
              struct error *err) MUST_USE;

#define EDIT_ANY "*" // any etag, but it must be there

enum edit_program { EDIT_PROGRAM_KEEP, EDIT_PROGRAM_NO, EDIT_PROGRAM_YES };

struct edit_options {
    const char       *only_if;       // the etag it must still have, EDIT_ANY; NULL: it may be new
    bool              is_new;        // it must not exist yet
    bool              makes_parents; // the directories above it
    enum edit_program program;
};

// ERROR_EXISTS: it is not what `only_if` or `is_new` ask for. *ret describes what was saved.
int edit_save(struct listing_entry *ret, struct space *space, const char *path, const void *bytes,
              size_t n, const struct edit_options *options, struct error *err) MUST_USE;

// ---- for src/files ----------------------------------------------------------------------------

// What is called `name` in `dir_fd`; its mode is 0 if there is nothing.
int edit_look(struct stat *ret, int dir_fd, const char *name, const char *path, struct error *err)
    MUST_USE;
// Whether `st` may be replaced by a file, by what the options ask for.
int edit_check(const struct stat *st, const char *path, const struct edit_options *options,
               struct error *err) MUST_USE;
