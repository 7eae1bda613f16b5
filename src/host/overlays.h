// SPDX-License-Identifier: MIT
#pragma once

// overlays: what is published in an overlay, found by its number.

#include "host/paths.h"
#include "overlay/state.h"

// Reads the state of an overlay; *ret is owned, free() it. One that does not exist, or where
// nothing was published yet, has an empty state.
int overlays_read(struct state **ret, const struct host_paths *paths, uint32_t number,
                  struct error *err) MUST_USE;
// The generation a new start uses; 0: there is none.
int overlays_current(uint32_t *ret, const struct host_paths *paths, uint32_t number,
                     struct error *err) MUST_USE;
