// SPDX-License-Identifier: MIT
#pragma once

// state: the file state.json of an overlay, the truth of what is published.
//
//   {"type":"game","current":3,"generations":[{"number":3,"created_unix_s":N,"files":N,"bytes":N,
//    "build":N,"added":N,"changed":N,"removed":N,"bytes_changed":N,"note":"..."},...]}
//
// A directory of generations holds numbered trees; only those that state.json lists exist. It is
// replaced by one rename, and that rename is the act of publishing. A file that cannot be
// understood, down to the last key, is an error and stays as it is.

#include <stdint.h>
#include "base/error.h"

#define STATE_FILE            "state.json"
#define STATE_GENERATIONS_MAX 256u
#define STATE_BYTES_MAX       (1u << 20)
#define STATE_TYPE_MAX        16u  // bytes, the NUL included
#define STATE_NOTE_MAX        128u // bytes, the NUL included

struct generation {
    uint32_t number;
    uint32_t build; // that made it
    uint64_t created_unix_s;
    uint64_t files, bytes;            // in the whole tree
    uint64_t added, changed, removed; // files, against the generation it was built over
    uint64_t bytes_changed;           // and against the next older one that is left
    char     note[STATE_NOTE_MAX];    // printable UTF-8, perhaps empty
};

struct state {
    char              type[STATE_TYPE_MAX]; // empty: nothing was ever published
    uint32_t          current;              // what a new server gets; 0: none
    uint32_t          n_generations;
    struct generation generations[STATE_GENERATIONS_MAX + 1]; // newest first; room to insert one
};

// Reads the state of the overlay in `dir_fd`. No file there is an empty state; one that
// cannot be understood is ERROR_FAILED.
int state_read(struct state *ret, int dir_fd, struct error *err) MUST_USE;
// Replaces it, on disk when it returns 0.
int state_write(const struct state *state, int dir_fd, struct error *err) MUST_USE;

// The same from the bytes of a file, and to them; state_format() returns them owned, or NULL when
// memory is exhausted.
int   state_parse(struct state *ret, const char *bytes, size_t n_bytes, struct error *err) MUST_USE;
char *state_format(const struct state *state) MUST_USE;

const struct generation *state_find(const struct state *state, uint32_t number); // NULL: not there
// Puts the generation where its number belongs; there must be room, and no other of its number.
void state_insert(struct state *state, const struct generation *generation);
