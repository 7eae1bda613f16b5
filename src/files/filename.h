// SPDX-License-Identifier: MIT
#pragma once

// filename: which names files of an overlay may have, and the names that archives carry.
//
// A path is relative to the tree, its components separated by one slash each. What is to be made
// gets a strict check: well-formed UTF-8, no control character, nothing that is reserved. What is
// there already may have been put there by hand and is only asked to stay inside.

#include <stdint.h>
#include "base/error.h"

#define FILENAME_BYTES_MAX     255u       // of a component
#define FILENAME_PATH_MAX      1024u      // bytes of a path, without the NUL
#define FILENAME_DEPTH_MAX     32u        // components of a path
#define FILENAME_HIDDEN_PREFIX ".left4me" // ours: never made, never published

// Whether `path` may be made.
int filename_check(const char *path, struct error *err) MUST_USE;
// Whether `path` may be looked up: components that are names, within the limits, any bytes.
int filename_check_old(const char *path, struct error *err) MUST_USE;

bool filename_is_hidden(const char *name); // one component

// Why a player's Windows or the game will not take a file of this path, as half a sentence about
// it; NULL: nothing is known against it. Such files are allowed all the same.
const char *filename_warning(const char *path);

enum filename_charset { // of names that are not UTF-8
    FILENAME_CP1252,    // what Windows programs write, and the first half of Latin-1
    FILENAME_CP437,     // what ZIP and RAR mean when they do not say
    FILENAME_CHARSET_COUNT,
};

// Makes a path out of an archive's `n` bytes: backslashes are slashes, "." and doubled slashes go,
// bytes that are not UTF-8 are read in `charset`. "" is the root itself. ERROR_INVALID, with the
// name: it is absolute, names a drive, leads upwards, or may not be made.
int filename_from_archive(char ret[FILENAME_PATH_MAX + 1], const void *bytes, size_t n,
                          enum filename_charset charset, struct error *err) MUST_USE;
