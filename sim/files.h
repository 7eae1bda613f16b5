// SPDX-License-Identifier: MIT
#pragma once

// files: the search paths of gameinfo.txt, the archives in them, and the add-ons.
//
// Everything is relative to the current directory, the root of the installation. As the engine
// does, and unlike the rest of this repository, it follows whatever symbolic links it meets.

#include "base/error.h"
#include "console.h"
#include <stddef.h>

#define FILES_PATHS_MAX  32u
#define FILES_ADDONS_MAX 4096u

struct files;

// Reads GAME/gameinfo.txt and mounts what it names; says so on the console. A broken add-on is
// reported and left out; a game without gameinfo.txt cannot start.
int files_new(struct files **ret, const char *game, struct console *console, struct error *err)
    MUST_USE;
struct files *files_free(struct files *files);

const char *files_game(const struct files *files); // "left4dead2"

// Reads a file from the first search path that has it; owned, NUL-terminated.
int  files_read(char **ret, size_t *ret_n, const struct files *files, const char *path,
                size_t max_bytes, struct error *err) MUST_USE;
bool files_exists(const struct files *files, const char *path); // loose in a search path
// A map is loose in a search path, or in an archive of one, or in an add-on.
bool files_has_map(const struct files *files, const char *map);
