// SPDX-License-Identifier: MIT
#pragma once

// part: a file of the cache that is being fetched.
//
// One process has it at a time; the lock goes when the process does. What identifies the bytes that
// are there (the server's ETag, or its date) is kept as an attribute of the file itself, so that a
// later process can ask for the rest and be told if it is the rest of something else.

#include "workshop/cache.h"
#include "workshop/head.h"

struct part { // starts as PART_NONE
    int                 fd;
    int                 item_fd; // its own
    struct item_version version;
    uint64_t            n_bytes;                       // that are there
    char                validator[HEAD_VALIDATOR_MAX]; // empty: nothing can be added later
    bool                is_resumed;                    // not all bytes come from one answer
};
#define PART_NONE ((struct part){ .fd = -1, .item_fd = -1 })

// 1: *ret is ours, with what was left of an earlier try; 0: somebody else is at it.
int part_open(struct part *ret, int item_fd, const struct item_version *version, struct error *err)
    MUST_USE;
void part_done(struct part *part); // the file stays

// Throws away what is there and begins with an answer of this validator.
int part_restart(struct part *part, const char *validator, struct error *err) MUST_USE;
int part_append(struct part *part, const void *bytes, size_t n, struct error *err) MUST_USE;

// Gives it the name of a whole file. Its bytes are on disk and have been checked.
int part_publish(struct part *part, struct error *err) MUST_USE;
// Removes it.
void part_discard(struct part *part);
