// SPDX-License-Identifier: MIT
#pragma once

// inuse: why a thing cannot go. For src/store alone.

#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"

// One of those that use it: what it is, and its name if whoever asks sees it.
struct in_use {
    const char *what, *name;
    bool        is_seen;
    int64_t     n; // all of them
};

// 0 if there are none. Otherwise ERROR_BUSY: names the one if it is seen, and says how many there
// are: what others have is not told by its name.
int in_use_check(const struct in_use *use, const char *thing, struct error *err) MUST_USE;
