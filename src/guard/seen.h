// SPDX-License-Identifier: MIT
#pragma once

// seen: which files were counted already, since a file may have many names and holders.
//
// A table of a fixed size that touches no more memory than it needs; emptying it costs nothing.

#include <stdint.h>
#include "base/error.h"

#define SEEN_ROWS 2097152u // a power of two
#define SEEN_MAX  1500000u // of them in use at most

struct seen_row {
    uint64_t inode, device;
    uint64_t round; // of which this row is; of an earlier one: it is free
};

struct seen {
    struct seen_row *rows;
    uint64_t         round;
    uint32_t         n;
};

int  seen_init(struct seen *ret, struct error *err) MUST_USE;
void seen_done(struct seen *seen);
void seen_empty(struct seen *seen);
// 1: it was not there and is now; 0: it was; -1: there is no room.
int seen_add(struct seen *seen, uint64_t device, uint64_t inode);
