// SPDX-License-Identifier: MIT
#pragma once

// manifest: what Steam wrote about the game it installed, steamapps/appmanifest_222860.acf.
//
// Only the numbers directly in "AppState" are read; sections below it are skipped. A key that is
// not there is 0. Format: Valve's KeyValues text, quoted strings and braces.

#include <stdint.h>
#include "base/error.h"

#define MANIFEST_APP       "222860" // Left 4 Dead 2 Dedicated Server
#define MANIFEST_PATH      "steamapps/appmanifest_" MANIFEST_APP ".acf"
#define MANIFEST_BYTES_MAX (1u << 20)
#define MANIFEST_INSTALLED 4u // StateFlags of an app that is complete

struct manifest {
    uint64_t build_id;
    uint64_t state_flags;
    uint64_t bytes_to_download, bytes_downloaded;
    uint64_t bytes_to_stage, bytes_staged;
};

// Fails with ERROR_INVALID on text that is not KeyValues or on a number that is none.
int manifest_parse(struct manifest *ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
// Of the installation in directory `tree_fd`.
int manifest_read(struct manifest *ret, int tree_fd, struct error *err) MUST_USE;

// No download or staging is half done. The error says what is.
int manifest_check_complete(const struct manifest *manifest, struct error *err) MUST_USE;
