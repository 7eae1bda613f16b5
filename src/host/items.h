// SPDX-License-Identifier: MIT
#pragma once

// items: what is in a Workshop overlay, item by item.
//
// The tree of a generation tells which ones, the cache what they are. Those of the list that are
// not in the generation come as well, if the cache knows of them: they wait for a build, or could
// not be had. What a collection brings is told as soon as it is published.

#include "host/source.h"
#include "workshop/item.h"

struct overlay_item {
    uint64_t    id;
    bool        is_published; // in the generation
    uint64_t    size_bytes;   // there
    bool        is_known;     // to the cache
    struct item known; // then, or { 0 }; a later version than the published one may be told of
};

typedef int items_take(void *user, const struct overlay_item *item, struct error *err);

// Calls `take` for each item, by number. What it returns but 0 ends it and is returned, so -1 with
// an error filled in is a failure. With generation 0 nothing is published.
int items_walk(const struct host_paths *paths, const struct source *source, uint32_t generation,
               items_take *take, void *user, struct error *err) MUST_USE;
