// SPDX-License-Identifier: MIT
#pragma once

// drift: what a game wrote into its own layer, against the layers below it.
//
// The upper layer is hostile: names may be any bytes, directories may be closed or endless. The
// walk has limits, follows no link and opens no file.

#include "explain/layers.h"

#define DRIFT_ENTRIES_MAX 50000u  // reported
#define DRIFT_VISITS_MAX  200000u // directory entries looked at
#define DRIFT_DEPTH_MAX   64u

enum drift_change {
    DRIFT_ADDED,
    DRIFT_CHANGED, // also written again with the same bytes
    DRIFT_REMOVED,
    DRIFT_REPLACED,   // a directory that hides all that was in it below
    DRIFT_UNREADABLE, // the game closed it
    DRIFT_UNKNOWN,    // a layer below cannot be read, so it may be new or not
    DRIFT_CHANGE_COUNT,
};

struct drift_entry {
    enum drift_change change;
    enum layer_entry  entry; // what is there now; of a removed one what was there
    uint64_t          size, size_before;
    const char       *path; // borrowed from the drift; any bytes but NUL
    size_t            path_offset;
};

struct drift {
    size_t              n;
    struct drift_entry *entries; // sorted by path
    bool                is_cut;  // a limit was reached: there is more
    char               *paths;
};

const char *drift_change_word(enum drift_change change);
// layers->layer[0] is the upper. *ret is owned.
int  drift_read(struct drift **ret, const struct layers *layers, struct error *err) MUST_USE;
void drift_free(struct drift *drift);
void drift_freep(struct drift **drift);
