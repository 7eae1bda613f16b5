// SPDX-License-Identifier: MIT
#pragma once

// layer: the working tree of a files overlay becomes the upper layer of a build.
//
// Reads the build's root-owned spec and copies builds/BUILD/source/tree to builds/BUILD/upper. What
// did not change is a hard link to the generation below, overlays/OVERLAY/BASE, and costs neither
// bytes nor time: of the same path, size, time and x bit. The upper is marked as one that hides
// what is below, so that what is not in the tree any more is not in the next generation.
//
// Left out: links and special files, with a line each, and what begins with ".left4me". Each file
// is copied as it was at one moment; a tree that is edited meanwhile is published as it was found.
// Started again after it was killed, it begins anew.
//
// overlays/ and builds/BUILD/upper must be reached through one mount, or the kernel refuses links.

#include "files/copytree.h"

#define LAYER_BYTES_MAX   (UINT64_C(1) << 40) // unless somebody knows better
#define LAYER_ENTRIES_MAX 1000000u            // as many as can be published
#define LAYER_DEPTH_MAX   64u                 // likewise

struct layer_paths {
    const char *data_dir; // overlays/OVERLAY/GENERATION, builds/BUILD/{source,upper}
    const char *host_dir; // builds/BUILD
};

struct layer_watch {
    void (*say)(void *user, const char *line); // one line for people; or NULL
    void *user;
};

// Of bytes the build's spec may allow less than `limits`. At the end the upper is marked as whole,
// see base/done.h.
int layer_build(struct copytree_counts *ret, uint32_t build, const struct layer_paths *paths,
                const struct copytree_limits *limits, const struct layer_watch *watch,
                struct error *err) MUST_USE;
