// SPDX-License-Identifier: MIT
#pragma once

// type: the types of overlays in words: "game", "script", "workshop", "files".

#include "base/protocol.h"

const char *overlay_type_word(enum overlay_type type);
// 0 for a word that is none.
enum overlay_type overlay_type_of(const char *word);
