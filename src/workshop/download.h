// SPDX-License-Identifier: MIT
#pragma once

// download: brings versions of items into the cache, many at a time: fetched, read from end to end,
// on disk, and only then under the name of a whole file.
//
// An item that cannot be had says why and is left to the caller. What is wrong with the disk ends
// everything.

#include "workshop/cache.h"
#include "workshop/contents.h"
#include "workshop/fetch.h"
#include "workshop/say.h"

enum download_state {
    DOWNLOAD_OPEN,    // not yet
    DOWNLOAD_DONE,    // it is in the cache
    DOWNLOAD_REFUSED, // it cannot be had: `why`. Its kind is ERROR_UNAVAILABLE or ERROR_TIMEOUT if
                      // that may pass
};

struct download {
    uint64_t            id;
    const char         *label; // what people call it; borrowed, like the link
    const char         *url;
    struct item_version version;
    enum download_state state;
    struct error        why;
    bool                has_contents; // false: somebody else fetched it meanwhile
    struct contents     contents;
    uint64_t            n_fetched; // bytes that came over the network
};

int download_all(struct download *downloads, size_t n, const struct cache *cache,
                 struct fetcher *fetcher, const struct say *out, struct error *err) MUST_USE;
