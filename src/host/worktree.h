// SPDX-License-Identifier: MIT
#pragma once

// worktree: the tree of files that people edit, of an overlay or of a server's own, with the limits
// that this machine has for it.

#include "files/space.h"
#include "host/source.h"

#define WORKTREE_ENTRIES_MAX 1000000u // files and directories of one

// ERROR_INVALID: the overlay is not made of files. *ret is owned.
int worktree_open(struct space **ret, const struct host_paths *paths, const struct source *source,
                  struct error *err) MUST_USE;
