// SPDX-License-Identifier: MIT
#pragma once

// sources: where the game takes a file from: its own view of what the layers show together.
//
// Names in that view begin where the directories of gameinfo.txt end: maps/c1m1_hotel.bsp. What the
// game looks through, first things first:
//
//   1. add-ons, left4dead2/addons/NAME.vpk, but those that left4dead2/addonlist.txt has as "0";
//   2. the directories of SearchPaths in left4dead2/gameinfo.txt, in their order: update,
//      left4dead2_dlc3, left4dead2_dlc2, left4dead2_dlc1, left4dead2, hl2; in each of them first
//      its pak01_dir.vpk, then the files that lie in it.
//
// How certain each step is, and by whom it is said, stands in docs/explain.md. In short: add-ons
// before the game, and the order of directories, are sure; packed files before those that lie in
// the same directory is likely, since it is the rule of the next engine of this family; which of
// two add-ons comes first nobody has shown, and the answer here is the one given most often: the
// first in addonlist.txt, then the others by name. A dedicated server may or may not read
// addons/workshop: those add-ons are counted as possible.

#include "explain/view.h"

#define SOURCES_MAX     256u // of one path
#define SEARCH_DIRS_MAX 64u
#define SEARCH_DIR_MAX  128u // bytes of one, the NUL included
#define ADDONS_MAX      4096u

enum source_certainty { SOURCE_SURE, SOURCE_LIKELY, SOURCE_UNSURE };

enum addon_state {
    ADDON_LOADED,
    ADDON_POSSIBLE, // in addons/workshop
    ADDON_OFF,      // by addonlist.txt
    ADDON_BROKEN,
    ADDON_STATE_COUNT,
};

// A pack that is an add-on, as the layers show it.
struct addon {
    size_t           layer;
    uint32_t         node, pack; // of the layer's index
    enum addon_state state;
    uint32_t         place_in_list; // of addonlist.txt, from 1; 0: it is not there
    const char      *name;          // borrowed from the view: the file's
    const char      *title;         // likewise, perhaps ""
};

// What the game looks through. Borrows the view.
struct sources {
    const struct view *view;
    size_t             n_addons;
    struct addon      *addons; // owned, in the order in which the game looks
    size_t             n_dirs;
    char               dirs[SEARCH_DIRS_MAX][SEARCH_DIR_MAX]; // likewise
    bool               has_gameinfo;                          // or that is the usual order
    bool               is_cut;
};

int  sources_open(struct sources **ret, const struct view *view, struct error *err) MUST_USE;
void sources_free(struct sources *sources); // takes NULL
void sources_freep(struct sources **sources);

// ---- one path ----------------------------------------------------------------------------------

enum source_kind { SOURCE_ADDON, SOURCE_PAK, SOURCE_LOOSE };
enum source_use { SOURCE_USED, SOURCE_SHADOWED, SOURCE_POSSIBLE, SOURCE_NOT_LOADED };

struct source {
    enum source_kind kind;
    enum source_use  use;
    size_t           layer;
    uint32_t         node; // of the pack, or of the file itself
    uint64_t         size; // bytes of what the game would read
    uint32_t         crc;  // of packed files, as the pack says
};

struct source_list {
    char                  path[INDEX_PATH_MAX]; // folded, as the game calls it
    size_t                n;
    struct source         source[SOURCES_MAX]; // in the order in which the game looks
    enum source_certainty certainty;           // that the one which is used is used
    bool                  is_cut;
};

// Finds who has `path`, which may be called from the top of the installation or as the game does
// it.
void sources_find(struct source_list *ret, const struct sources *sources, const char *path);

// Whether the game finds `folded` anywhere, add-ons that are off not counted.
bool sources_has(const struct sources *sources, const char *folded);
