// SPDX-License-Identifier: MIT
#pragma once

// collect: removes from an overlay's directory what is not published.
//
// `.new-N` is a tree that was never finished, `.old-N` one that is on its way out, and a number
// that state.json does not list was dropped from it or never got into it. A number leaves by being
// renamed to `.old-N` first, so that no half-removed tree ever carries a generation's name. The
// caller holds the overlay's lock.

#include "base/error.h"
#include "content/state.h"
#include "content/uses.h"
#include "content/watch.h"

#define COLLECT_NEW_PREFIX ".new-"
#define COLLECT_OLD_PREFIX ".old-"

// `uses` NULL: nobody knows who uses what, so every number stays. Whatever it does not know by
// name stays as well.
int collect(int overlay_fd, const struct state *state, const struct uses *uses,
            const struct watch *watch, struct error *err) MUST_USE;
