// SPDX-License-Identifier: MIT
#pragma once

// install: the files around a run of SteamCMD: where the program is, and whether what it left is a
// game that can be started.

#include <limits.h>
#include <stdint.h>
#include "base/error.h"

#define INSTALL_COPY_FILES_MAX 20000u
#define INSTALL_COPY_BYTES_MAX (UINT64_C(2) << 30)
#define INSTALL_COPY_DEPTH_MAX 16u

struct install_paths {
    const char *tree_dir;     // where the game goes: absolute, writable
    const char *cache_dir;    // ours alone, survives between runs
    const char *steamcmd_dir; // the operator's SteamCMD, read-only
};

// Finds SteamCMD and writes the path of the program to *ret. Valve's own distribution updates
// itself where it lies, so it is copied to the cache first, and again whenever the operator's
// steamcmd.sh has changed since.
int install_find_steamcmd(char ret[PATH_MAX], const struct install_paths *paths, struct error *err)
    MUST_USE;

// The files without which the game does not start are there, and Steam's manifest says it is
// complete. *ret_build_id is what it calls this version.
int install_check(uint64_t *ret_build_id, const struct install_paths *paths, struct error *err)
    MUST_USE;

// Puts SteamCMD's steamclient.so where the game looks for it, its home being its own tree; leaves
// one alone that is the same. ERROR_NOT_FOUND if SteamCMD has none.
int install_steamclient(const struct install_paths *paths, struct error *err) MUST_USE;
