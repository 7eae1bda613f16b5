// SPDX-License-Identifier: MIT
#pragma once

// view: the layers of a server as one tree, by the index of each.
//
// A generation is known by its index. One without, or with one of another version, is walked: that
// is the first scan, and takes as long as walking takes. What is no generation, the layer of the
// game and that of the configuration, is walked each time, within limits. Then all are merged once,
// by the rules of overlayfs: who is shown at each path is known from here on.
//
// A `struct view` borrows the layers. Nodes are numbers in the index of their layer.

#include "explain/layers.h"
#include "overlay/index.h"

struct view; // opaque

int  view_open(struct view **ret, const struct layers *layers, struct error *err) MUST_USE;
void view_free(struct view *view); // takes NULL
void view_freep(struct view **view);

const struct layers *view_layers(const struct view *view);
// NULL: the layer cannot be read.
const struct index *view_index(const struct view *view, size_t layer);
size_t              view_n_scanned(const struct view *view); // generations that had to be walked

// Whether this node is what the game sees at its path, or a directory that is part of it.
bool view_shows(const struct view *view, size_t layer, uint32_t node);

struct view_node {
    size_t   layer;
    uint32_t node; // INDEX_NONE: there is none
};

// What is seen at a path, "" being the root; of a directory, its topmost layer.
struct view_node view_find(const struct view *view, const char *path);
// The same for a path as the game understands it, without regard to case: the name as it is written
// comes first, then the first of those that differ in case alone. *ret (INDEX_PATH_MAX) is its
// path. A game can make it compare names for hours, so that ends at some number of them: from then
// on nothing is found that is not written like that.
struct view_node view_find_folded(char *ret, const struct view *view, const char *path);
bool             view_has_given_up(const struct view *view);

// ---- every path --------------------------------------------------------------------------------

struct view_claim {
    size_t          layer;
    uint32_t        node;
    enum layer_role role;
};

struct view_entry {
    const char              *path;     // borrowed until the next one; any bytes but NUL
    const struct view_claim *claims;   // of every layer that has something here, top first
    size_t                   n_claims; // at least 1
    const struct view_claim *shown;    // one of them; NULL: the game sees nothing here
};

// Calls `take` for each path of any layer, in the order of an index. What it returns but 0 ends it
// and is returned, so -1 with an error filled in is a failure.
int view_walk(const struct view *view,
              int (*take)(void *user, const struct view_entry *entry, struct error *err),
              void *user, struct error *err) MUST_USE;
