// SPDX-License-Identifier: MIT
#pragma once

// measure: how much disk a tree takes, whoever filled it.
//
// What counts is what the file system has set aside (st_blocks), directories included; a file with
// several names counts once. The tree is walked by descriptor, no link is followed, what is mounted
// below it is left out; a tree of any shape costs a bounded number of descriptors and no memory
// beyond what measure_new() took. A directory that its owner may not read is opened all the same,
// and has its mode back when the walk leaves it. The result is exact if nothing moves meanwhile.

#include <stdint.h>
#include <sys/stat.h>
#include "base/error.h"

#define MEASURE_DEPTH_MAX   256u // directories within each other; publishing allows 64
#define MEASURE_ENTRIES_MAX 1000000u

struct measure;

struct measured {
    uint64_t bytes;
    uint64_t entries; // names; one more than the limit when there are more
};

// `entries_max` is at most MEASURE_ENTRIES_MAX; a walk that has met more ends there.
int             measure_new(struct measure **ret, uint64_t entries_max, struct error *err) MUST_USE;
struct measure *measure_free(struct measure *measure); // takes NULL, returns NULL

// Begins a new sum.
void measure_begin(struct measure *measure);
// Adds all that is in the directory `root_fd`, which stays the caller's, and itself.
int measure_add_tree(struct measure *measure, int root_fd, struct error *err) MUST_USE;
// Adds one file, unless it was; it has no name, or another walk would find it.
int measure_add_file(struct measure *measure, const struct statx *st, struct error *err) MUST_USE;
struct measured measure_sum(const struct measure *measure);

// The fields of a statx that measuring needs.
#define MEASURE_STATX                                                                              \
    (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_BLOCKS | STATX_MNT_ID)
