// SPDX-License-Identifier: MIT
#pragma once

// uploadstate: what is known of an upload from its beginning on, as it is written to disk. It is
// read with suspicion: a file may have been cut short.

#include "files/edit.h"
#include "files/upload.h"

#define UPLOAD_HAS_HASH   0x1u
#define UPLOAD_REPLACES   0x2u
#define UPLOAD_IS_PROGRAM 0x4u

struct upload_state {
    uint32_t magic, n_bytes;
    uint64_t total;
    uint32_t chunk_bytes, flags;
    uint8_t  sha256[UPLOAD_HASH];
    char     only_if[sizeof(struct listing_etag)]; // "": any
    char     path[UPLOAD_PATH];
    char     zero[3];
};

// ERROR_INVALID: sizes or a path that cannot be; ERROR_EXISTS: an etag that no file has.
int upload_state_fill(struct upload_state *ret, const struct upload_options *options,
                      struct error *err) MUST_USE;
int upload_state_parse(struct upload_state *ret, const void *bytes, size_t n, struct error *err)
    MUST_USE;

// Bytes that the upload takes up besides those of its file.
uint64_t upload_own_bytes(const struct upload_state *state);
// How its file is put in place. Borrows from the state.
struct edit_options upload_edit_options(const struct upload_state *state);
