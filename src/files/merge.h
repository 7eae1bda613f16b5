// SPDX-License-Identifier: MIT
#pragma once

// merge: moves a tree that was made aside into a directory of the working tree.
//
// Directories are merged, files take each other's place. What cannot go together (a file where a
// directory is) and, if asked for, what is there already, is found before anything is moved. The
// moving is a rename for each file or, where there is no such directory yet, for a whole directory:
// each file is the old one or the new one, but whoever looks meanwhile, or after a crash, may see
// some of either.

#include "files/space.h"

enum merge_existing { // what becomes of a file that is there already
    MERGE_FAIL,
    MERGE_SKIP, // it stays
    MERGE_REPLACE,
};

struct merge_counts {
    uint64_t replaced, skipped; // files
};

// Takes what is in `from_fd`, which is charged, into the directory `path`, which must exist. Waits
// for the lock. What stays behind in `from_fd` is given back.
int merge_run(struct merge_counts *ret, struct space *space, int from_fd, const char *path,
              enum merge_existing existing, struct error *err) MUST_USE;
