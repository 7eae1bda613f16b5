// SPDX-License-Identifier: MIT
#pragma once

// holders: what takes disk without having a name, because some process still holds it.
//
// Counted are files that were removed and are open in any task, are a working directory, or are
// the program that runs. Three kinds of holding cannot be measured from outside, only seen: a
// process that does not let its descriptors be read, descriptors on their way through a socket,
// and a removed file that is mapped and not open.

#include <stdint.h>
#include "base/error.h"
#include "guard/measure.h"
#include "guard/processes.h"

#define HOLDERS_ROOTS_MAX 2u

struct holders_roots {
    unsigned    n;
    const char *paths[HOLDERS_ROOTS_MAX]; // as processes see them
    uint64_t    mounts[HOLDERS_ROOTS_MAX];
};

// How many may hold what cannot be measured.
struct holders_opaque {
    uint64_t n_hidden, n_in_flight, n_mapped;
};

// Adds to `measure` what the processes in the list hold on the mounts of `roots`.
int holders_measure(struct holders_opaque *ret, struct measure *measure,
                    const struct processes *processes, const struct holders_roots *roots,
                    struct error *err) MUST_USE;
