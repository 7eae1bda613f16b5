// SPDX-License-Identifier: MIT
#pragma once

// uploadhold: the files of an upload, and who may be at them.
//
// An upload lives in `.work/uploads/ID`:
//
//     state   struct upload_state, written last: without it the rest is rubbish
//     map     the SHA-256 of each chunk that came, zeros for one that did not
//     part    the bytes, as long as the file will be
//
// It is held by a lock of its state: shared while a chunk comes, alone while it ends.

#include "files/uploadstate.h"

#define UPLOAD_STATE_FILE  "state"
#define UPLOAD_MAP_FILE    "map"
#define UPLOAD_PART_FILE   "part"
#define UPLOAD_OWN_ENTRIES 4u  // an upload's directory and files
#define UPLOAD_ID_BYTES    16u // random ones
#define UPLOAD_DIR_FLAGS   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct upload {
    int                 dir_fd, state_fd, map_fd, part_fd; // part: -1 when it is in place already
    struct upload_state state;
    uint32_t            n_chunks;
};

struct upload upload_none(void);
void          upload_done(struct upload *upload);
#define AUTO_UPLOAD AUTO(upload_done) struct upload

bool upload_is_id(const char *id);
int  upload_say_gone(const char *id, struct error *err); // ERROR_NOT_FOUND

// Opens the upload and waits for `lock`, LOCK_SH or LOCK_EX. `upload` is an empty one, and is for
// upload_done() also after a failure. ERROR_NOT_FOUND: there is none; ERROR_INVALID: it is damaged.
int upload_hold(struct upload *upload, const struct space *space, const char *id, int lock,
                struct error *err) MUST_USE;
int upload_open_file(int *ret, int dir_fd, const char *name, int flags, struct error *err) MUST_USE;
int upload_write_at(int fd, const void *bytes, size_t n, uint64_t offset, struct error *err)
    MUST_USE;

// The map, of n_chunks hashes; owned. Bytes that it lacks are zeros.
int  upload_read_map(uint8_t **ret, const struct upload *upload, struct error *err) MUST_USE;
bool upload_is_chunk_there(const uint8_t *map, uint32_t chunk);
