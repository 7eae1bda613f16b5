// SPDX-License-Identifier: MIT
#pragma once

// flatten: the upper layer of an overlayfs mount and the tree below it become one plain tree.
//
// The upper was written through a mount with `userxattr` by a program we do not trust, and is owned
// by us on disk. What did not change is hard-linked from the base, what changed is hard-linked from
// the upper: no byte is copied, and a run that died half-way can be thrown away and done again.
// Whiteouts and opaque marks are applied, extended attributes dropped, modes made 0750 (directories
// and programs) or 0640. Refused, with the path: set-id files, device nodes, FIFOs, sockets,
// symbolic links that are absolute or lead out of the tree, trees that are too deep or too many.
//
// A file is taken only while nobody has it open for writing, which a lease shows. Whoever opens it
// in the moment of that question makes the kernel send SIGIO: the process must ignore that.
//
// A file whose bytes and x bit are those of the base counts as unchanged, whatever its times say.

#include <stdint.h>
#include "base/error.h"
#include "content/watch.h"

#define FLATTEN_ENTRIES_MAX 1000000u // files, links and directories of one generation
#define FLATTEN_DEPTH_MAX   64u      // directories above a file

struct flatten_input {
    int      base_fd; // the generation below, -1: nothing
    int      upper_fd;
    int      new_fd;      // an empty directory on the same mount as the other two
    uint32_t entries_max; // at most FLATTEN_ENTRIES_MAX
    bool     is_shared;   // the upper was filled by us: its files may have many names elsewhere
};

struct flatten_counts {
    uint64_t files, bytes;            // of the new tree; symbolic links count as files
    uint64_t added, changed, removed; // files, against the base
    uint64_t dirs_added, dirs_removed;
    uint64_t bytes_changed; // of what was added or changed
};

int flatten(struct flatten_counts *ret, const struct flatten_input *input,
            const struct watch *watch, struct error *err) MUST_USE;

// True if the new tree says the same as the base.
bool flatten_is_unchanged(const struct flatten_counts *counts);
