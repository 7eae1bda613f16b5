// SPDX-License-Identifier: MIT
#pragma once

// uses: which generations of an overlay somebody still needs.
//
// An instance needs what it has applied (its root-owned spec) and what is mounted for it right now
// (the mount helper's record); a build needs the generation it lies over. A directory or file that
// cannot be read or understood makes the whole answer an error: then nothing may be dropped.

#include <stdint.h>
#include "base/error.h"

#define USES_MAX 100000u

struct uses {
    uint32_t *numbers; // owned
    uint32_t  n, n_room;
};

// Whose needs are asked for.
struct uses_query {
    int         host_fd; // its directories "instances" and "builds" are read
    const char *mounted_dir;
    uint32_t    overlay;
    uint32_t    except_build; // it lies over nothing any more
};

int  uses_collect(struct uses *ret, const struct uses_query *query, struct error *err) MUST_USE;
bool uses_has(const struct uses *uses, uint32_t number);
void uses_done(struct uses *uses);
