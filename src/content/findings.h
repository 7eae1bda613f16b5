// SPDX-License-Identifier: MIT
#pragma once

// findings: what may be seen in a tree that matters to a server, each with its sentence and remedy.
//
// The numbers are written into indexes: whoever changes what one means, or what is looked for,
// counts INDEX_VERSION up, and every tree is looked at again.

#include <stddef.h>
#include <stdint.h>

#define FINDING_TEXT_MAX 512u // bytes of a sentence or a remedy, the NUL included

enum finding_severity {
    FINDING_FACT, // of use to whoever explains a stack, not worth a line to anybody
    FINDING_NOTE,
    FINDING_WARNING,
    FINDING_ERROR,
    FINDING_SEVERITY_COUNT,
};

enum finding_code {
    // What is in a file. The text of the first four is a name; of a list, `line` counts its items.
    FINDING_EXEC = 1,    // a configuration runs another one; line 0: if it is there
    FINDING_SEARCH_PATH, // gameinfo.txt: where the game looks, first things first
    FINDING_ADDON_ON,    // addonlist.txt
    FINDING_ADDON_OFF,
    FINDING_PACK_BROKEN,    // text: why
    FINDING_PACK_LINK,      // it is a symbolic link
    FINDING_PACK_TWICE,     // text: how many paths
    FINDING_MISSION_BROKEN, // text: which, and why
    FINDING_CFG_BYTES,      // text: what kind
    FINDING_CFG_HIDDEN,     // text: the command
    FINDING_CFG_CHEAT,      // text: the command
    FINDING_LAST_OF_CONTENT = FINDING_CFG_CHEAT,
    // Where something is, and what it is called.
    FINDING_MISPLACED,       // text: where it belongs
    FINDING_NESTED,          // a directory in one of its own name
    FINDING_WRAPPED,         // text: the directory that is too much
    FINDING_PACK_PLACE,      // text: where it belongs
    FINDING_PACK_DIR,        // a directory that is called like a pack
    FINDING_PACK_WORKSHOP,   // in addons/workshop
    FINDING_PACK_CASE,       // capital letters
    FINDING_PACK_BYTES,      // not ASCII
    FINDING_PACK_DOTS,       // more than one dot
    FINDING_ARCHIVE,         // packed, where the game wants files
    FINDING_MAP_PLACE,       // a map that is in no directory maps/
    FINDING_PLUGIN_PLACE,    // a plug-in that is not in plugins/
    FINDING_PLUGIN_SOURCE,   // the source of one in plugins/
    FINDING_WINDOWS_LIBRARY, // a library that has no Linux one beside it
    // What only the whole stack shows.
    FINDING_PACK_OFF,       // addonlist.txt says so
    FINDING_CFG_BYTES_IDLE, // text: what kind; of one that nothing is known to run
    FINDING_EXEC_MISSING,   // text: the configuration that is not there
    FINDING_UNREADABLE,     // a layer
    FINDING_CUT,            // a layer that is too large to be looked at whole
    FINDING_CODE_COUNT,
};

struct finding_info {
    const char           *word; // for JSON
    enum finding_severity severity;
    const char           *sentence; // what is so, and why it matters; {} is the finding's text
    const char           *remedy;   // likewise; NULL of a fact
};

// NULL for a number that is none.
const struct finding_info *finding_info(uint32_t code);
const char                *finding_severity_word(enum finding_severity severity);

// Writes a sentence or remedy with the finding's text in place of {}, cut to fit. Returns `ret`.
const char *finding_fill(char ret[FINDING_TEXT_MAX], const char *sentence, const char *text);
