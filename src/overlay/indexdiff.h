// SPDX-License-Identifier: MIT
#pragma once

// indexdiff: what changed between two generations of one overlay, by their indexes alone.
//
// A file that did not change is the same file on disk in both: publishing links it. So equal
// numbers of inode, size and time of writing mean equal bytes, and nobody has to read nine
// gigabytes to know. Where a file was written anew, publishing found its bytes or its x bit to
// differ from those of the generation it lay over. Two generations that lie further apart may have
// the same bytes in two files: then the hash says so, of the files that were hashed, which are
// those that were written over another generation and are not too large; see content/scan.h. Of the
// others it is said that they changed, and that nobody compared them.

#include "overlay/index.h"

enum index_change { INDEX_ADDED, INDEX_REMOVED, INDEX_CHANGED, INDEX_CHANGE_COUNT };

struct index_difference {
    enum index_change        change;
    const char              *path; // borrowed; any bytes but NUL
    const struct index_node *old;  // NULL: added
    const struct index_node *new;  // NULL: removed
    bool is_sure;                  // false: same size, another file, and nobody compared the bytes
};

struct index_totals {
    uint64_t files[INDEX_CHANGE_COUNT]; // files and links
    uint64_t dirs[INDEX_CHANGE_COUNT];
    uint64_t bytes[INDEX_CHANGE_COUNT]; // of files: the new size, of removed ones the old
};

// Calls `take` for each path that differs, in the order of an index; what it returns but 0 ends the
// walk and is returned, so -1 with an error filled in is a failure. A path that was one kind and is
// another is removed and added. *ret_totals may be NULL.
int index_diff(const struct index *old, const struct index *new, struct index_totals *ret_totals,
               int (*take)(void *user, const struct index_difference *difference,
                           struct error *err),
               void *user, struct error *err) MUST_USE;
