// SPDX-License-Identifier: MIT
#pragma once

// overlays: the reading side of overlays/ID/state.json, which its publisher replaces as a whole:
//
//   {"type":"game","current":3,"next":4,
//    "generations":[{"number":3,"created_unix_s":…,"files":N,"bytes":N,"build":12,"note":"…"}]}

#include <stdint.h>
#include "host/paths.h"

#define OVERLAY_STATE_MAX       1048576u // bytes of the file
#define OVERLAY_GENERATIONS_MAX 256u
#define OVERLAY_NOTE_MAX        128u

struct overlay_generation {
    uint32_t number;
    uint32_t build;
    uint64_t created_unix_s;
    uint64_t files;
    uint64_t bytes;
    char     note[OVERLAY_NOTE_MAX]; // cut, valid UTF-8 or empty
};

struct overlay {
    uint32_t                  number;
    char                      type[16];
    uint32_t                  current; // generation; 0: nothing was ever published
    uint32_t                  n_generations;
    struct overlay_generation generations[OVERLAY_GENERATIONS_MAX]; // as listed
};

// Reads the state of an overlay; *ret is owned, free() it. An overlay that does not exist, or has
// no state yet, is ERROR_NOT_FOUND.
int overlays_read(struct overlay **ret, const struct host_paths *paths, uint32_t number,
                  struct error *err) MUST_USE;
// The generation a new start uses; 0 when nothing was published or the overlay does not exist.
int overlays_current(uint32_t *ret, const struct host_paths *paths, uint32_t number,
                     struct error *err) MUST_USE;
// NULL: not listed.
const struct overlay_generation *overlay_find(const struct overlay *overlay, uint32_t generation);
// From bytes, for tests and fuzzing.
int overlay_parse(struct overlay **ret, uint32_t number, const char *bytes, size_t n_bytes,
                  struct error *err) MUST_USE;
