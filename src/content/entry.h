// SPDX-License-Identifier: MIT
#pragma once

// entry: names in directory trees that other people's programs have filled.
//
// Nothing here follows a symbolic link. Names and modes in such a tree are hostile: a directory
// that its owner may not enter is made enterable first, and paths are shown without control bytes.

#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"

#define ENTRY_SHOW_MAX 120u // bytes of a path in a message, the NUL included

// Opens the directory `name` in `dir_fd` with all rights for its owner.
int entry_open_dir(int *ret, int dir_fd, const char *name, struct error *err) MUST_USE;

// chmod of what is called `name`, never of what it points to.
int entry_chmod(int dir_fd, const char *name, mode_t mode);

// Adds what `name` in `dir_fd` is and holds to *files and *dirs, down to `depth_max` levels.
int entry_count(int dir_fd, const char *name, unsigned depth_max, uint64_t *files, uint64_t *dirs,
                struct error *err) MUST_USE;

// Writes "parent/name" as people may see it: without control bytes or broken UTF-8, and of a long
// path only the end. Returns `ret`.
const char *entry_show(char ret[ENTRY_SHOW_MAX], const char *parent, const char *name);
