// SPDX-License-Identifier: MIT
#pragma once

// budget: how much a build may write, so that one overlay does not take the disk of all.
//
// An overlay has a limit for the size of its tree; all overlays together have a budget. What builds
// that run may still write counts as used.

#include <stdint.h>
#include "host/paths.h"
#include "overlay/state.h"

struct budget {
    uint64_t limit_bytes;
    uint64_t used_bytes;    // by generations; a file that several of an overlay share counts once
    uint64_t granted_bytes; // to builds that run, or whose scratch is still there; not to SteamCMD
};

// For a build of `overlay`, 0: of none. What an earlier build of it was granted does not count: its
// scratch goes before the new one begins. `limit_bytes` 0: three quarters of the disk.
int budget_read(struct budget *ret, const struct host_paths *paths, uint32_t overlay,
                uint64_t limit_bytes, struct error *err) MUST_USE;
// What the generations of an overlay take on disk.
uint64_t budget_of_overlay(const struct state *state);
// The largest tree that a build over `base` (NULL: over nothing) may make: `max_bytes`, or what the
// budget leaves; while others run, half of that, so that there is something for the next one as
// well. ERROR_NO_SPACE: it leaves nothing.
int budget_grant(uint64_t *ret, const struct budget *budget, const struct generation *base,
                 uint64_t max_bytes, struct error *err) MUST_USE;
