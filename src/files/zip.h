// SPDX-License-Identifier: MIT
#pragma once

// zip: a file or directory of the working tree as a ZIP archive, written as it is read.
//
// To a descriptor that need not seek: a socket, a pipe. Nothing is kept on disk and little in
// memory. Names are UTF-8 and said to be; what is compressed already is only stored; links and
// special files are left out. It is what it finds: who changes files meanwhile changes the archive.

#include "files/space.h"

#define ZIP_DEPTH_MAX 64u // directories in one another

struct zip_options {
    int level;                        // 0 (only store) to 9; 1 costs least, 6 is what others use
    bool (*is_cancelled)(void *user); // asked at every block; NULL: never
    void *user;
};

struct zip_counts {
    uint64_t files, dirs, bytes; // bytes before they were packed
    uint64_t left_out;
};

// Writes the tree's `path`, "" for all of it. Names in the archive begin with its last component.
int zip_write(struct zip_counts *ret, struct space *space, const char *path, int out_fd,
              const struct zip_options *options, struct error *err) MUST_USE;
