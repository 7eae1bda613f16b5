// SPDX-License-Identifier: MIT
#pragma once

// collect: removes from an overlay's directory what is not published.
//
// `.new-N` is a tree that was never finished, `.gone-N` one that is being removed, and a number
// that state.json does not list was dropped from it or never got into it.
//
// A server may be given a generation at any moment, also between the question who uses it and its
// removal. So a number nobody uses becomes `.old-N` first, which no mount finds, and then it is
// asked again: whoever was given the generation before keeps it under its name, whoever is given it
// later is refused by the mount, and nobody runs on a tree that is on its way out. An `.old-N` that
// a killed run left is whole and gets its name back; a `.gone-N` never does.
//
// `N.index` says what N holds (overlay/index.h). It goes before the tree does: without one the tree
// is walked by whoever wants to know. One whose tree is not there, and a `.N.index.tmp`, were left
// by a killed run.
//
// The caller holds the overlay's lock.

#include "base/error.h"
#include "content/uses.h"
#include "content/watch.h"
#include "overlay/state.h"

#define COLLECT_NEW_PREFIX  ".new-"
#define COLLECT_OLD_PREFIX  ".old-"
#define COLLECT_GONE_PREFIX ".gone-"

#define COLLECT_NAME_MAX 32u // bytes of a prefix, a number and a suffix, the NUL included

// Removes the index of generation `number` and what was left of writing it; absent is success.
int collect_remove_index(int overlay_fd, const char *number, const struct watch *watch,
                         struct error *err) MUST_USE;

// Where nobody can say who uses what, it says so and every number stays. Whatever it does not know
// by name stays as well.
int collect(int overlay_fd, const struct state *state, const struct uses_query *query,
            const struct watch *watch, struct error *err) MUST_USE;
