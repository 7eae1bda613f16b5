// SPDX-License-Identifier: MIT
#pragma once

// keep: brings a file or directory that a game wrote into its own layer to the working tree.
//
// The layer is hostile: it is opened by descriptor, without following or waiting for anything, only
// regular files are read, and at most as much as they had when they were opened. What comes of it
// is made aside within the quota and put in place by one rename.

#include "files/copytree.h"
#include "files/space.h"

#define KEEP_DEPTH_MAX 32u // as FILENAME_DEPTH_MAX

struct keep_options {
    bool replaces;      // what is at `to`: a file takes the place of a file, a directory of one
    bool makes_parents; // the directories above it
    void (*skip)(void *user, const char *path, const char *why); // see copytree.h; or NULL
    void *user;
};

// Copies `from`, any bytes, below the directory `upper_fd` to `to`. In a directory, what is no
// file, may not be read or has a name that may not be made is left out.
int keep_run(struct copytree_counts *ret, struct space *space, int upper_fd, const char *from,
             const char *to, const struct keep_options *options, struct error *err) MUST_USE;
