// SPDX-License-Identifier: MIT
#pragma once

// builds: those that run, and those that have ended and left their scratch, as the broker's specs
// have them.

#include <stddef.h>
#include "base/protocol.h"
#include "host/paths.h"

struct builds {
    size_t             n;
    struct build_spec *spec; // in no order; owned
};

// What is being written or removed at this moment, or of another version of left4me, is passed
// over.
int  builds_read(struct builds *ret, const struct host_paths *paths, struct error *err) MUST_USE;
void builds_done(struct builds *builds);
// The newest one of an overlay, 0 if there is none.
uint32_t builds_newest(const struct builds *builds, uint32_t overlay);
