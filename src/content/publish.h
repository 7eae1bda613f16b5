// SPDX-License-Identifier: MIT
#pragma once

// publish: a finished build becomes a generation of its overlay, or nothing changes. Builds without
// a tree change only which generation is the current one, or drop those that nobody needs.
//
// Reads the build's root-owned spec, flattens its upper layer over the generation below into
// `.new-N` beside the others, writes what is in it into `N.index`, renames the tree to `N`, and
// lists it in state.json: the rename of state.json publishes. Killed at any step it leaves the old
// state or the new one, and can be asked again: what is not listed is thrown away, and a build that
// is listed has been published. Then generations that nobody keeps or uses are dropped, and the
// upper layer is emptied, since its files are the generation's now.
//
// overlays/ and builds/ must be on one mount, or hard links between them are refused by the kernel.
// Runs as the user that owns both on disk.

#include "base/error.h"
#include "content/watch.h"
#include "overlay/state.h"

struct publish_paths {
    const char *data_dir;    // overlays/OVERLAY/GENERATION, builds/BUILD/upper
    const char *host_dir;    // builds/BUILD, instances/NAME
    const char *mounted_dir; // NAME
};

enum publish_outcome {
    PUBLISH_DONE,       // there is a new generation
    PUBLISH_ALREADY,    // this build was published before
    PUBLISH_UNCHANGED,  // the result equals the generation below: there is none
    PUBLISH_UNFINISHED, // the builder was stopped before its end, see base/done.h: nothing was done
    PUBLISH_SELECTED,   // a generation of before is the current one
    PUBLISH_COLLECTED,  // what nobody needs is gone
};

struct publish_result {
    enum publish_outcome outcome;
    struct generation    generation; // of PUBLISH_DONE, PUBLISH_ALREADY and PUBLISH_SELECTED
    uint32_t             n_dropped;  // generations, of PUBLISH_COLLECTED
};

int publish(struct publish_result *ret, uint32_t build, const struct publish_paths *paths,
            const struct watch *watch, struct error *err) MUST_USE;
