// SPDX-License-Identifier: MIT
#include "files/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "files/edit.h"
#include "files/uploadhold.h"
#include "files/uploadstate.h"

#define READ_BYTES 131072u

// ---- finishing --------------------------------------------------------------------------------

// Reads one chunk of what is on disk, and adds it to the hash of the whole.
static int hash_chunk(uint8_t ret[UPLOAD_HASH], crypto_hash_sha256_state *whole,
                      const struct upload *upload, uint32_t chunk, struct error *err)
{
    static _Thread_local uint8_t bytes[READ_BYTES];
    crypto_hash_sha256_state     hash;
    uint64_t                     at = (uint64_t)chunk * upload->state.chunk_bytes;
    uint64_t                     end = MIN(at + upload->state.chunk_bytes, upload->state.total);

    (void)crypto_hash_sha256_init(&hash); // these always return 0
    while (at < end) {
        ssize_t n = pread(upload->part_fd, bytes, (size_t)MIN(end - at, READ_BYTES), (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, errno, "reading the upload");
        if (n == 0)
            break; // shorter than it was made: the hash will tell
        (void)crypto_hash_sha256_update(&hash, bytes, (unsigned long long)n);
        if (upload->state.flags & UPLOAD_HAS_HASH)
            (void)crypto_hash_sha256_update(whole, bytes, (unsigned long long)n);
        at += (uint64_t)n;
    }
    (void)crypto_hash_sha256_final(&hash, ret);
    return 0;
}

static int say_missing(uint32_t n_missing, uint32_t first, const struct upload *upload,
                       struct error *err)
{
    return error_set(err, ERROR_BUSY,
                     "%" PRIu32 " of %" PRIu32
                     " chunks are still missing, the first of them at %" PRIu64,
                     n_missing, upload->n_chunks, (uint64_t)first * upload->state.chunk_bytes);
}

// Whether all chunks are there and what they were when they came. Held alone.
static int verify(struct upload *upload, struct error *err)
{
    static const uint8_t     nothing[UPLOAD_HASH];
    AUTO(freep) uint8_t     *map = NULL;
    crypto_hash_sha256_state whole;
    uint8_t                  hash[UPLOAD_HASH];
    uint32_t                 n_missing = 0, first = 0;

    if (upload_read_map(&map, upload, err) < 0)
        return -1;
    for (uint32_t i = upload->n_chunks; i-- > 0;)
        if (!upload_is_chunk_there(map, i)) {
            n_missing++;
            first = i;
        }
    if (n_missing) // nothing is read before it can be of use
        return say_missing(n_missing, first, upload, err);
    (void)crypto_hash_sha256_init(&whole);
    for (uint32_t i = 0; i < upload->n_chunks; i++) {
        if (hash_chunk(hash, &whole, upload, i, err) < 0)
            return -1;
        if (memcmp(hash, map + (size_t)i * UPLOAD_HASH, UPLOAD_HASH) == 0)
            continue;
        if (upload_write_at(upload->map_fd, nothing, UPLOAD_HASH, (uint64_t)i * UPLOAD_HASH, err) <
            0)
            return -1;
        if (n_missing++ == 0)
            first = i;
    }
    if (n_missing)
        return say_missing(n_missing, first, upload, err);
    (void)crypto_hash_sha256_final(&whole, hash);
    if (upload->state.flags & UPLOAD_HAS_HASH &&
        memcmp(hash, upload->state.sha256, UPLOAD_HASH) != 0)
        return error_set(err, ERROR_INVALID,
                         "the file does not have the hash that was announced: upload it anew");
    return 0;
}

// Everything but the rename: bytes, mode and time are on disk.
static int settle_part(const struct upload *upload, struct error *err)
{
    if (space_stamp(upload->part_fd, err) < 0)
        return -1;
    if (fchmod(upload->part_fd, space_mode(upload->state.flags & UPLOAD_IS_PROGRAM)) < 0 ||
        fsync(upload->part_fd) < 0)
        return error_sys(err, errno, "writing the upload to disk");
    return 0;
}

static int place_part(struct space *space, const struct upload *upload, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    const struct upload_state        *state = &upload->state;
    struct edit_options               options = upload_edit_options(state);
    AUTO_FD                           dir_fd = -1;
    const char                       *name;
    struct stat                       old;

    if (space_lock(&locked, space, err) < 0 ||
        space_open_parent(&dir_fd, &name, space, state->path, true, err) < 0 ||
        edit_look(&old, dir_fd, name, state->path, err) < 0 ||
        edit_check(&old, state->path, &options, err) < 0)
        return -1;
    if (renameat(upload->dir_fd, UPLOAD_PART_FILE, dir_fd, name) < 0)
        return error_sys(err, errno, "putting '%.160s' in place", state->path);
    space_refund(space, old.st_mode ? (uint64_t)old.st_size : 0, old.st_mode ? 1 : 0);
    return space_sync_dir(dir_fd, state->path, err);
}

// Removes the directory of an upload whose state is held alone; `bytes` and `entries` are given
// back.
static int drop(struct space *space, const char *id, uint64_t bytes, uint64_t entries,
                struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;

    if (tree_remove(space->uploads_fd, id, err) < 0)
        return error_prefix(err, "removing an upload");
    if (space_lock(&locked, space, err) < 0)
        return -1;
    space_refund(space, bytes, entries);
    return 0;
}

int upload_finish(struct listing_entry *ret, struct space *space, const char *id, struct error *err)
{
    AUTO_UPLOAD upload = upload_none();

    if (upload_hold(&upload, space, id, LOCK_EX, err) < 0)
        return -1;
    if (!upload.state.path[0])
        return error_set(err, ERROR_INVALID, "this upload has no place in the tree");
    // Without its part, it was put in place by a run that died then.
    if (upload.part_fd >= 0 && (verify(&upload, err) < 0 || settle_part(&upload, err) < 0 ||
                                place_part(space, &upload, err) < 0))
        return -1;
    if (drop(space, id, upload_own_bytes(&upload.state), UPLOAD_OWN_ENTRIES - 1, err) < 0)
        return -1;
    // Its name must not be one of the upload's, which is gone with this function.
    if (listing_look(ret, space, upload.state.path, err) < 0)
        return -1;
    ret->name = "";
    return 0;
}

int upload_open(int *ret, struct space *space, const char *id, struct error *err)
{
    AUTO_UPLOAD upload = upload_none();

    if (upload_hold(&upload, space, id, LOCK_EX, err) < 0)
        return -1;
    if (upload.part_fd < 0)
        return upload_say_gone(id, err);
    if (verify(&upload, err) < 0)
        return -1;
    return upload_open_file(ret, upload.dir_fd, UPLOAD_PART_FILE, O_RDONLY, err);
}

// ---- ending -----------------------------------------------------------------------------------

int upload_abort(struct space *space, const char *id, struct error *err)
{
    AUTO_UPLOAD  upload = upload_none();
    struct error why = { 0 };

    if (upload_hold(&upload, space, id, LOCK_EX, &why) < 0) {
        if (why.kind == ERROR_NOT_FOUND)
            return 0;
        if (why.kind == ERROR_INVALID) // a damaged one
            return drop(space, id, 0, 0, err);
        *err = why;
        return -1;
    }
    uint64_t bytes = upload_own_bytes(&upload.state);
    bool     has_part = upload.part_fd >= 0;
    return drop(space, id, bytes + (has_part ? upload.state.total : 0),
                has_part ? UPLOAD_OWN_ENTRIES : UPLOAD_OWN_ENTRIES - 1, err);
}

int upload_list(struct upload_id ret[UPLOADS_MAX], unsigned *ret_n, struct space *space,
                struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    unsigned    n = 0;
    int         r;

    if (dir_open(&dir, space->uploads_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0 && n < UPLOADS_MAX)
        if (upload_is_id(name))
            (void)snprintf(ret[n++].text, sizeof ret->text, "%s", name);
    if (r < 0)
        return -1;
    *ret_n = n;
    return 0;
}

// When something came for it the last time; of one without a state or map, when it was made.
static int64_t touched(const struct space *space, const char *id)
{
    AUTO_FD     fd = openat(space->uploads_fd, id, UPLOAD_DIR_FLAGS);
    struct stat st;

    if (fd < 0 ||
        (fstatat(fd, UPLOAD_MAP_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 && fstat(fd, &st) < 0))
        return 0;
    return st.st_mtim.tv_sec;
}

static int sweep_one(unsigned *n_removed, struct space *space, const char *id, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;

    if (upload_is_id(id) && upload_abort(space, id, err) < 0)
        return -1;
    // What has no state, or another's name, is nobody's: one that is being made is locked.
    if (space_lock(&locked, space, err) < 0 || tree_remove(space->uploads_fd, id, err) < 0)
        return -1;
    ++*n_removed;
    return 0;
}

int upload_sweep(unsigned *ret_removed, struct space *space, int64_t before_unix_s,
                 struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    unsigned    n_removed = 0;
    int         r;

    if (dir_open(&dir, space->uploads_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (touched(space, name) < before_unix_s && sweep_one(&n_removed, space, name, err) < 0)
            return -1;
    if (r < 0)
        return -1;
    *ret_removed = n_removed;
    return 0;
}
