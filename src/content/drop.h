// SPDX-License-Identifier: MIT
#pragma once

// drop: drops what is named from the upper layer of a stopped server: a file, a directory with all
// that is in it, or the mark that something below was removed.
//
// The layer was filled by a game: nothing in it is trusted, no link is followed. What is not there,
// as below a file or a link, counts as dropped.

#include <stddef.h>
#include "base/error.h"
#include "content/watch.h"

#define DROP_PATH_MAX 4096u // bytes of one path, the NUL included

// `paths` are relative to `upper_fd`, each with its NUL. All of them are checked before the first
// one is dropped. ERROR_INVALID: one is absolute, empty, too long, or has an empty, "." or ".."
// component.
int drop_paths(int upper_fd, const char *paths, size_t n_bytes, const struct watch *watch,
               struct error *err) MUST_USE;
