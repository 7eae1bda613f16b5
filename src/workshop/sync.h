// SPDX-License-Identifier: MIT
#pragma once

// sync: builds a Workshop overlay: what its list names becomes a tree of hard links into the cache.
//
// Reads builds/BUILD/source/items, asks the Workshop, fetches what the cache has not, and fills
// builds/BUILD/upper with left4dead2/addons/ITEM.vpk. The upper is marked opaque: it is the whole
// overlay, and what is not in it is gone. At the end it is marked as whole, see base/done.h.
//
// An item that cannot be had stays at the newest version the cache has, or is left out if it has
// none; both are said, and the build succeeds. It fails, and nothing changes, when the list is
// wrong or comes to too much, when the Workshop cannot be asked or knows nothing on the list, when
// several downloads were tried and not one came, for reasons that may pass, or when the disk is
// full.
//
// Killed at any moment it leaves no file of the cache that is not whole, and can be asked again.

#include <stdint.h>
#include "workshop/fetch.h"
#include "workshop/say.h"

struct workshop_options {
    const char        *api_url;
    uint64_t           item_max_bytes;
    uint64_t           total_max_bytes; // of all items of the list
    uint64_t           collect_after_s; // COLLECT_AFTER_S, see collect.h
    struct fetch_rules rules;
};

struct workshop_result {
    uint32_t n_items;   // that are in the overlay
    uint32_t n_fetched; // of them now
    uint32_t n_kept;    // of them at an older version than there is
    uint32_t n_missing; // on the list, and not in the overlay
    uint32_t n_questions;
    uint64_t bytes;         // of all of them
    uint64_t bytes_fetched; // over the network
};

// `data_dir` holds builds/BUILD and cache/workshop, below one mount.
int workshop_sync(struct workshop_result *ret, const char *data_dir, uint32_t build,
                  const struct workshop_options *options, const struct say *out, struct error *err)
    MUST_USE;
