// SPDX-License-Identifier: MIT
#pragma once

// textscan: texts of the game, looked into for what matters when a stack is explained: which
// configuration runs which, what in it cannot work, where the game looks, which add-ons are off.

#include "overlay/indexbuild.h"

#define TEXTSCAN_BYTES_MAX (1u << 20) // of one text

enum textscan_kind {
    TEXTSCAN_NONE,
    TEXTSCAN_CONFIG,    // left4dead2/cfg/….cfg
    TEXTSCAN_ADDONLIST, // left4dead2/addonlist.txt
    TEXTSCAN_GAMEINFO,  // left4dead2/gameinfo.txt
    TEXTSCAN_MISSION,   // TOP/missions/….txt
    TEXTSCAN_KIND_COUNT,
};

enum textscan_kind textscan_kind_of(const char *path);

// Adds what the text of the file `node` says.
int textscan(struct index_builder *builder, uint32_t node, enum textscan_kind kind,
             const char *path, const uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;
