// SPDX-License-Identifier: MIT
#pragma once

// addon: what is in an add-on of the game: how its author describes it, its missions and maps, how
// many files of which kind, and what is likely to be wrong with it.
//
// Texts are read as forgivingly as the game reads them: in any encoding, and up to the first fault.
// Nothing wrong with an add-on is an error here: each fault is a sentence in `problems`. All
// strings are UTF-8 without control characters, and cut at their limits; `description` alone has
// lines. Whether the bytes of the archive are those its author packed is asked of pak/vpkcheck.h.
// Source: Valve developer wiki, "Addoninfo.txt" and "L4D2 Mission Files".

#include "pak/vpk.h"

#define ADDON_TEXT_MAX     262144u // bytes of addoninfo.txt and of a mission file
#define ADDON_MAPS_MAX     1024u
#define ADDON_MISSIONS_MAX 64u
#define ADDON_CHAPTERS_MAX 1024u // of all missions together
#define ADDON_PROBLEMS_MAX 64u

// Bytes of strings, the NUL included.
#define ADDON_TITLE_MAX       256u
#define ADDON_AUTHOR_MAX      256u
#define ADDON_VERSION_MAX     64u
#define ADDON_TAGLINE_MAX     512u
#define ADDON_DESCRIPTION_MAX 8192u
#define ADDON_NAME_MAX        128u // of a map, a mission, a mode
#define ADDON_PROBLEM_MAX     256u

enum addon_kind {
    ADDON_MAP,         // maps/*.bsp
    ADDON_MISSION,     // missions/*.txt
    ADDON_MODEL,       // *.mdl below models
    ADDON_MODEL_DATA,  // what else is there: a model has several files
    ADDON_SCRIPT,      // *.nut and *.nuc below scripts/vscripts
    ADDON_MATERIAL,    // *.vmt below materials
    ADDON_TEXTURE,     // *.vtf there
    ADDON_SOUND,       // *.wav and *.mp3 below sound
    ADDON_DESCRIPTION, // addoninfo.txt and addonimage.*
    ADDON_ARCHIVE,     // *.vpk
    ADDON_OTHER,
    ADDON_KIND_COUNT,
};

struct addon_map {
    char name[ADDON_NAME_MAX]; // as in the console: without folder and extension
    bool is_bsp;               // begins as one
};

struct addon_mission {
    char path[VPK_PATH_MAX];     // of its file
    char name[ADDON_NAME_MAX];   // for the console and for matchmaking
    char title[ADDON_TITLE_MAX]; // for people; may be a word like "#L4D360UI_…" that the game
                                 // translates
    uint32_t first_chapter, n_chapters;
};

struct addon_chapter {
    char mode[ADDON_NAME_MAX]; // coop, versus, …
    char map[ADDON_NAME_MAX];
    char title[ADDON_TITLE_MAX];
    bool is_here;  // the add-on has the map
    bool is_stock; // the game has it
};

struct addon {
    bool has_info; // an addoninfo.txt; without one the strings are empty
    char title[ADDON_TITLE_MAX];
    char author[ADDON_AUTHOR_MAX];
    char version[ADDON_VERSION_MAX];
    char tagline[ADDON_TAGLINE_MAX];
    char description[ADDON_DESCRIPTION_MAX];

    bool     is_campaign; // has maps and a mission
    bool     is_cut;      // has more maps, missions or chapters than are told of here
    uint32_t n_files[ADDON_KIND_COUNT];

    uint32_t             n_maps, n_missions, n_chapters, n_problems;
    struct addon_map     maps[ADDON_MAPS_MAX]; // in order of their names
    struct addon_mission missions[ADDON_MISSIONS_MAX];
    struct addon_chapter
         chapters[ADDON_CHAPTERS_MAX]; // mission by mission, as their files have them
    char problems[ADDON_PROBLEMS_MAX][ADDON_PROBLEM_MAX];
};

// *ret is owned. Fails for want of memory alone.
int addon_inspect(struct addon **ret, const struct vpk *vpk, struct error *err) MUST_USE;

struct addon *addon_free(struct addon *addon); // takes NULL, returns NULL
void          addon_freep(struct addon **addon);

// Of which kind the file with this path is, letters of any case.
enum addon_kind addon_kind_of(const char *path);
// The kind's word in JSON.
const char *addon_kind_word(enum addon_kind kind);
