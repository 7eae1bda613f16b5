// SPDX-License-Identifier: MIT
#pragma once

// tree: removing directory trees that somebody hostile may have filled.
//
// Works by descriptor and never follows a link; a tree of any depth costs a bounded number of
// descriptors and bytes of stack. Nobody else may be writing to the tree meanwhile.

#include "base/error.h"

// Removes `name` (one component) below `parent_fd`, whatever it is; absent is success.
int tree_remove(int parent_fd, const char *name, struct error *err) MUST_USE;
// Removes everything below the directory `dir_fd`, and keeps the directory.
int tree_empty(int dir_fd, struct error *err) MUST_USE;
