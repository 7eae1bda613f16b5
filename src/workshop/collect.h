// SPDX-License-Identifier: MIT
#pragma once

// collect: removes from the cache what nobody uses.
//
// A version is used by whoever has a hard link to it. One without a user goes when its last one has
// been gone for COLLECT_AFTER_S: so that a build that was stopped, or failed, finds what it has
// fetched. The same for what was never fetched to its end. What is known of an item without any
// version goes after COLLECT_NOTE_AFTER_S, for it tells why there is none. What is not known by
// name stays.
//
// While any build is at work nothing is removed. Each build that succeeds collects, and
// left4me-collect.service does every night: the last user may have been the last Workshop overlay.

#include "workshop/cache.h"
#include "workshop/say.h"

#define COLLECT_AFTER_S      86400u
#define COLLECT_NOTE_AFTER_S 2592000u

struct collected {
    uint64_t versions, bytes; // that were removed
};

// `now_unix_s` is the time by the clock of files; a version goes when it had no user for `after_s`.
// Gives up the shared lock. 1: done; 0: some build is at work.
int cache_collect(struct collected *ret, struct cache *cache, uint64_t now_unix_s, uint64_t after_s,
                  struct error *err) MUST_USE;
// Says what was removed, if anything was.
void collected_say(const struct collected *collected, const struct say *out);

// The same by itself, outside of a build. `data_dir` holds cache/workshop.
int collect_unused(const char *data_dir, uint64_t after_s, const struct say *out, struct error *err)
    MUST_USE;
