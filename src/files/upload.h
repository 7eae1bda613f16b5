// SPDX-License-Identifier: MIT
#pragma once

// upload: files that come in chunks, in any order and as often as needed, and become part of the
// tree when all of it is there and right.
//
// All there is to know about an upload lives on disk; files/uploadstate.h has its state,
// files/uploadhold.h its files.
//
// Nothing is synced while chunks come. A process that is killed loses nothing, since the kernel has
// the bytes; after a power cut a chunk may be in the map and not in the file. So finishing reads
// the file again, chunk by chunk, drops from the map what does not match, and says what is missing:
// it is sent again and nothing else. Only then is the file synced and renamed.
//
// All of an upload is charged to the quota when it begins. SHA-256 is libsodium's, which the
// project uses for its other hashes: a second library would be a second one to trust.

#include <stdint.h>
#include "files/listing.h"

#define UPLOAD_CHUNK_MIN     (UINT32_C(64) << 10)
#define UPLOAD_CHUNK_MAX     (UINT32_C(16) << 20)
#define UPLOAD_CHUNK_DEFAULT (UINT32_C(4) << 20)
#define UPLOAD_CHUNKS_MAX    32768u // of one upload
#define UPLOADS_MAX          64u    // of one overlay at a time
#define UPLOAD_HASH          32u    // bytes of a SHA-256
#define UPLOAD_PATH          1025u  // bytes of a path with its NUL; FILENAME_PATH_MAX + 1

struct upload_id {
    char text[33]; // lower-case hexadecimal digits
};

struct upload_options {
    const char    *path;        // where it goes; "": nowhere, see upload_open()
    uint64_t       total;       // bytes
    uint32_t       chunk_bytes; // of every chunk but the last; 0: UPLOAD_CHUNK_DEFAULT
    const uint8_t *sha256;      // of the whole; NULL: is not checked
    bool           replaces;    // a file that is there
    const char    *only_if;     // the etag that it must have; NULL: any
    bool           is_program;
};

struct upload_status {
    char     path[UPLOAD_PATH];
    uint64_t total;
    uint32_t chunk_bytes, n_chunks;
    uint32_t n_there;
    int64_t  touched_unix_s;                  // when the last chunk came
    uint8_t  is_there[UPLOAD_CHUNKS_MAX / 8]; // bit by bit, the lowest first
};

// Of a file of `total` bytes.
uint32_t upload_n_chunks(uint64_t total, uint32_t chunk_bytes);

// ERROR_EXISTS: something is at the path and may not be replaced.
int upload_begin(struct upload_id *ret, struct space *space, const struct upload_options *options,
                 struct error *err) MUST_USE;

// Takes one chunk: `n` is chunk_bytes, or what is left for the last one. ERROR_INVALID if its bytes
// do not have the hash.
int upload_put(struct space *space, const char *id, uint64_t offset, const void *bytes, size_t n,
               const uint8_t sha256[UPLOAD_HASH], struct error *err) MUST_USE;

int upload_read_status(struct upload_status *ret, struct space *space, const char *id,
                       struct error *err) MUST_USE;

// Puts the file in place, making the directories above it. ERROR_BUSY: chunks are missing, and the
// status says which. May be asked again by whoever did not hear the answer, until it has ended:
// then there is no such upload, and the file is there. ret->name is "".
int upload_finish(struct listing_entry *ret, struct space *space, const char *id, struct error *err)
    MUST_USE;

// Checks it in the same way, and opens it for reading instead: an archive to be unpacked. It stays
// until it is aborted.
int upload_open(int *ret, struct space *space, const char *id, struct error *err) MUST_USE;

int upload_abort(struct space *space, const char *id, struct error *err) MUST_USE; // absent is fine
int upload_list(struct upload_id ret[UPLOADS_MAX], unsigned *ret_n, struct space *space,
                struct error *err) MUST_USE;
// Removes those that nothing came for since `before_unix_s`.
int upload_sweep(unsigned *ret_removed, struct space *space, int64_t before_unix_s,
                 struct error *err) MUST_USE;
