// SPDX-License-Identifier: MIT
#pragma once

// prune: removes single paths out of a tree that may be hostile, such as a game's own layer.
//
// For the user that owns the tree on disk. Nothing is followed; directories that the game has
// closed are opened first; what a path leads to is removed whatever it is, a whole directory
// included. Nobody else may be writing there: the server is stopped.

#include <stdint.h>
#include "base/error.h"

#define PRUNE_PATH_MAX  4095u    // bytes of a path
#define PRUNE_PATHS_MAX 50000u   // in a list
#define PRUNE_LIST_MAX  8388608u // bytes of a list

struct prune_result {
    uint64_t removed, absent, failed;
};

// `list` is `n_list` bytes: paths below `dir_fd`, any bytes but NUL, each with a NUL behind it. A
// list that is not one is ERROR_INVALID and removes nothing: a path that is empty, absolute, or has
// an empty component, "." or "..", counts as that. One that fails does not stop the others: then it
// returns -1, *ret is filled in all the same, and the error is that of the first one.
int prune_run(struct prune_result *ret, int dir_fd, const char *list, size_t n_list,
              struct error *err) MUST_USE;
