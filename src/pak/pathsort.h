// SPDX-License-Identifier: MIT
#pragma once

// pathsort: sorts the paths of an archive, which share long beginnings.
//
// Eight bytes at a time become one number to compare; those that are equal in them are sorted by
// the next eight. Tens of thousands of paths take some milliseconds, of which comparing whole
// strings would make tens. Nobody's input makes it quadratic, or recurse deeper than
// PATHSORT_BYTES_MAX / 8.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATHSORT_BYTES_MAX 512u // of one path, the NUL included

struct pathsort_path {
    const char *path; // borrowed
    uint32_t    n_path;
};

struct pathsort_item {
    uint64_t key;   // scratch
    uint32_t index; // of a path; the caller sets it
};

// Sorts `n` items by the paths they are the index of, as strcmp() does, or with `is_folded` without
// regard to the case of ASCII letters; equal ones keep their order. The first `n_same` bytes of all
// these paths are known to be the same. `spare` is scratch for as many items.
void pathsort(struct pathsort_item *items, struct pathsort_item *spare, size_t n,
              const struct pathsort_path *paths, size_t n_same, bool is_folded);

// Whether two paths count as equal.
bool pathsort_is_equal(const struct pathsort_path *one, const struct pathsort_path *other,
                       bool is_folded);
