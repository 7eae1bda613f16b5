// SPDX-License-Identifier: MIT
#pragma once

// steamplace: where the operator's SteamCMD is: a link in /etc/left4me, whose target is bound into
// the sandbox of every update. Whoever can change that chooses what runs there; so nobody but root
// may, from the root directory down.

#include <sys/types.h>
#include "host/paths.h"

// Points the link at the directory that `path` is, or that holds the program `path` names. For
// root.
int steamplace_set(const struct host_paths *paths, const char *path, struct error *err) MUST_USE;

// Whether SteamCMD can be run from `dir`, an absolute path without links. ERROR_DENIED with errnum
// 0: others than root can change it, its program or a directory above it, or it is closed to the
// sandbox. ERROR_INVALID: it holds no SteamCMD.
int steamplace_check(const char *dir, struct error *err) MUST_USE;

// The same in a tree whose root directory is `top` and whose root user is `owner`, for the tests.
int steamplace_check_below(const char *top, const char *path, uid_t owner, struct error *err)
    MUST_USE;
