// SPDX-License-Identifier: MIT
#pragma once

// manifest: what an archive of ours says about itself, in its last entry, manifest.json.
//
// The list of its files is SHA256SUMS, the entry before it, as sha256sum(1) reads it; the manifest
// has the hash of that.

#include <stdint.h>
#include "base/error.h"

#define MANIFEST_FILE      "manifest.json"
#define MANIFEST_SUMS_FILE "SHA256SUMS"
#define MANIFEST_MAX       16384u // bytes
#define MANIFEST_FORMAT    1
#define MANIFEST_HASH      ((size_t)32) // bytes of a SHA-256
#define MANIFEST_TEXT_MAX  65u          // bytes of a text, the NUL included

enum manifest_kind { MANIFEST_BACKUP, MANIFEST_EXPORT, MANIFEST_KINDS };

struct manifest {
    enum manifest_kind kind;
    char               version[MANIFEST_TEXT_MAX]; // of left4me
    char               host[MANIFEST_TEXT_MAX];    // where it was made
    int64_t            made_unix_s;
    uint32_t           database_version; // of a backup; 0
    uint64_t           files, dirs;      // without the two that tell of the others
    uint64_t           bytes;            // of files
    uint8_t            sums[MANIFEST_HASH];
};

const char *manifest_kind_word(enum manifest_kind kind);
// ERROR_INVALID: it is none, or of a later format than this program knows.
int manifest_parse(struct manifest *ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
// Returns it owned, or NULL when memory is exhausted.
char *manifest_format(const struct manifest *manifest) MUST_USE;
