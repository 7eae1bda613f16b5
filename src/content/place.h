// SPDX-License-Identifier: MIT
#pragma once

// place: whether the game ever looks where something lies, judged by its path alone.
//
// Made for what people and archives get wrong: addons/ beside left4dead2/ instead of in it, an
// archive's own top directory, a plug-in beside the plugins, a Windows library. What is not known
// to be wrong is right.

#include <stdbool.h>
#include <stdint.h>
#include "overlay/index.h"

#define PLACE_TEXT_MAX 300u // bytes, the NUL included

struct place {
    const char *path;
    bool        is_dir;
    // Whether there is a `name` beside it.
    bool (*has_beside)(const void *user, const char *name);
    const void *user;
};

// Calls `found` for each finding about the path: its code (content/findings.h) and its text. What
// it returns but 0 ends it and is returned.
int place_check(const struct place *place,
                int (*found)(void *user, uint32_t code, const char *text, struct error *err),
                void *user, struct error *err) MUST_USE;

// The place of a file that is called like a pack and may be one, 0 if the game takes none from
// there, or it is a numbered part of another one, or it is called otherwise.
enum index_place place_of_pack(const struct place *place);

bool place_has_suffix(const char *path, const char *suffix); // without regard to case
