// SPDX-License-Identifier: MIT
#pragma once

// scan: makes the index of a tree by walking it.
//
// Files are told apart by what lstat says, and by their names; opened are packs, configurations,
// and the few texts that say how the game looks for files. What the index of the generation below
// says about a file that is the same one on disk is taken over: publishing one changed file of
// three thousand reads that file. Nothing follows a link, and what is no regular file is not
// opened.
//
// Of a generation everything is listed, and what cannot be read is a failure. The layer of a game
// is hostile and may change under the walk: it has limits, and what they leave out marks the index
// as cut.

#include "overlay/index.h"

struct scan_options {
    const struct index *base;      // of the generation below; NULL: there is none
    bool                is_live;   // the layer of a game, or that of a configuration
    bool                is_game;   // the game's own overlay: where things lie there is its business
    uint32_t            nodes_max; // at most INDEX_NODES_MAX
    uint32_t            packs_max; // that are opened, at most INDEX_PACKS_MAX
    uint64_t            read_max_bytes; // of configurations and other texts, together
    // Files up to this size that are not the base's get their content hashed, for those who compare
    // generations that do not lie over each other. Without a base none is: a first generation is
    // all new, and may be nine gigabytes.
    uint64_t hash_max_bytes;
};

extern const struct scan_options scan_generation, scan_live; // what is usual

int scan(struct index **ret, int tree_fd, const struct scan_options *options, struct error *err)
    MUST_USE;
