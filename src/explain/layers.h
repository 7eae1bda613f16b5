// SPDX-License-Identifier: MIT
#pragma once

// layers: the stack of a server seen from outside, layer by layer: which one a path comes from.
//
// What overlayfs does is done again here by reading alone: a character device 0/0 removes what is
// below it, a directory marked user.overlay.opaque hides the one below it. Links are never
// followed. The upper layer belongs to the game, which may have filled it with anything.
// Source: Linux, Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".

#include <stdint.h>
#include "base/error.h"
#include "base/protocol.h"

#define LAYERS_MAX            (STACK_LAYERS_MAX + 2u) // upper and config are on top
#define LAYERS_PATH_MAX       4096u                   // bytes, the NUL included
#define LAYER_DESCRIPTION_MAX 64u                     // likewise

enum layer_kind { LAYER_UPPER, LAYER_CONFIG, LAYER_OVERLAY };

struct layer {
    enum layer_kind kind;
    uint32_t        overlay;    // of LAYER_OVERLAY
    uint32_t        generation; // of all but LAYER_UPPER
    int             fd;         // -1: it cannot be opened
    int             index_fd;   // of LAYER_OVERLAY: its index, see overlay/index.h; -1: it has none
};

struct layers {
    size_t       n;
    struct layer layer[LAYERS_MAX]; // top first
};

// What one layer has at a path.
enum layer_entry {
    LAYER_HAS_NOTHING,
    LAYER_HAS_FILE,
    LAYER_HAS_DIR,
    LAYER_HAS_LINK,
    LAYER_HAS_SPECIAL,
    LAYER_HAS_WHITEOUT, // here or on the way: the path is removed
    LAYER_HAS_OBSTACLE, // a directory on the way is something else here
    LAYER_IS_UNREADABLE,
};

struct layer_look {
    enum layer_entry entry;
    uint64_t         size;     // of a file or link
    bool             is_final; // layers below are not seen at this path
};

void layers_free(struct layers *layers); // takes NULL, closes the layers
void layers_freep(struct layers **layers);
// "the game's own layer", "config generation 3", "overlay 1 generation 2".
void layer_describe(char ret[LAYER_DESCRIPTION_MAX], const struct layer *layer);

// Relative, without empty, "." and ".." components, within LAYERS_PATH_MAX.
int               layers_check_path(const char *path, struct error *err) MUST_USE;
struct layer_look layer_look(const struct layer *layer, const char *path);
// What the layers from number `first` on show at `path`: the deciding layer's look, or
// LAYER_IS_UNREADABLE when one that may decide cannot be read.
struct layer_look layers_look(const struct layers *layers, size_t first, const char *path);
bool              layers_is_opaque(int dir_fd); // true for a directory that hides the ones below it

// ---- explain -------------------------------------------------------------------------------

enum layer_role {
    LAYER_ROLE_SHOWN,    // what the game sees
    LAYER_ROLE_MERGED,   // a directory whose content appears together with the one shown
    LAYER_ROLE_SHADOWED, // hidden by a layer above
    LAYER_ROLE_REMOVES,  // the reason why there is nothing
    LAYER_ROLE_UNKNOWN,  // it, or one above it that may decide, cannot be read
};

// What the layers above have decided so far.
enum layer_above { LAYER_ABOVE_NOTHING, LAYER_ABOVE_DIR, LAYER_ABOVE_UNKNOWN, LAYER_ABOVE_FINAL };

// What an entry is when that is what stands above it; what it means to those below. `is_final` as
// in struct layer_look.
enum layer_role  layer_role_of(enum layer_entry entry, enum layer_above above);
enum layer_above layer_above_after(enum layer_entry entry, bool is_final, enum layer_above above);

struct layer_finding {
    size_t           layer; // index
    enum layer_role  role;
    enum layer_entry entry;
    uint64_t         size;
};

// Fills `ret` (LAYERS_MAX of them) with every layer that has something at `path`, top first, and
// returns how many.
size_t layers_explain(struct layer_finding *ret, const struct layers *layers, const char *path);
