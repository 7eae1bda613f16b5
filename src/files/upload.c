// SPDX-License-Identifier: MIT
#include "files/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/tree.h"
#include "files/edit.h"
#include "files/uploadhold.h"
#include "files/uploadstate.h"

uint32_t upload_n_chunks(uint64_t total, uint32_t chunk_bytes)
{
    return (uint32_t)(total / chunk_bytes + (total % chunk_bytes != 0));
}

// ---- beginning --------------------------------------------------------------------------------

// What would stop it at its end stops it now, if it is there already.
static int check_target(struct space *space, const struct upload_state *state, struct error *err)
{
    struct edit_options options = upload_edit_options(state);
    AUTO_FD             dir_fd = -1;
    const char         *name;
    struct stat         st;
    struct error        why = { 0 };

    if (!state->path[0])
        return 0;
    if (space_open_parent(&dir_fd, &name, space, state->path, false, &why) < 0) {
        if (why.kind == ERROR_NOT_FOUND && !options.only_if)
            return 0; // it is made at the end
        *err = why;
        return -1;
    }
    if (edit_look(&st, dir_fd, name, state->path, err) < 0)
        return -1;
    return edit_check(&st, state->path, &options, err);
}

static int count_uploads(unsigned *ret, const struct space *space, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    *ret = 0;
    if (dir_open(&dir, space->uploads_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        ++*ret;
    return r;
}

static int make_sized(int dir_fd, const char *name, uint64_t size, struct error *err)
{
    AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        return error_sys(err, errno, "making an upload of %" PRIu64 " bytes", size);
    return 0;
}

static int make_upload(const struct space *space, const char *id, const struct upload_state *state,
                       struct error *err)
{
    uint64_t map_bytes = (uint64_t)upload_n_chunks(state->total, state->chunk_bytes) * UPLOAD_HASH;

    if (mkdirat(space->uploads_fd, id, 0700) < 0)
        return error_sys(err, errno, "making an upload");
    AUTO_FD fd = openat(space->uploads_fd, id, UPLOAD_DIR_FLAGS);
    if (fd < 0)
        return error_sys(err, errno, "making an upload");
    if (make_sized(fd, UPLOAD_PART_FILE, state->total, err) < 0 ||
        make_sized(fd, UPLOAD_MAP_FILE, map_bytes, err) < 0)
        return -1;
    return fd_replace_file(fd, UPLOAD_STATE_FILE, state, sizeof *state, 0600, err);
}

static int make_id(struct upload_id *ret, struct error *err)
{
    uint8_t random[UPLOAD_ID_BYTES];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_sys(err, errno, "making a name for an upload");
    hex_write(ret->text, random, sizeof random);
    return 0;
}

int upload_begin(struct upload_id *ret, struct space *space, const struct upload_options *options,
                 struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;
    struct upload_state               state;
    struct upload_id                  id = { "" };
    struct error                      ignored;
    unsigned                          n = 0;

    if (upload_state_fill(&state, options, err) < 0 ||
        space_check_file(space, options->total, err) < 0 || make_id(&id, err) < 0 ||
        space_lock(&locked, space, err) < 0 || check_target(space, &state, err) < 0 ||
        count_uploads(&n, space, err) < 0)
        return -1;
    if (n >= UPLOADS_MAX)
        return error_set(err, ERROR_BUSY,
                         "there are %u unfinished uploads already: finish or abort "
                         "one of them",
                         n);
    uint64_t bytes = state.total + upload_own_bytes(&state);
    if (space_charge(space, (int64_t)bytes, UPLOAD_OWN_ENTRIES, err) < 0)
        return -1;
    if (make_upload(space, id.text, &state, err) < 0) {
        (void)!tree_remove(space->uploads_fd, id.text, &ignored); // or it is swept away later
        space_refund(space, bytes, UPLOAD_OWN_ENTRIES);
        return -1;
    }
    *ret = id;
    return 0;
}

// ---- chunks -----------------------------------------------------------------------------------

static int check_place(const struct upload *upload, uint64_t offset, size_t n, struct error *err)
{
    const struct upload_state *state = &upload->state;

    if (offset % state->chunk_bytes != 0 || offset >= state->total)
        return error_set(err, ERROR_INVALID,
                         "no chunk begins at %" PRIu64 ": they have %" PRIu32
                         " bytes, and the file has %" PRIu64,
                         offset, state->chunk_bytes, state->total);
    uint64_t want = MIN(state->chunk_bytes, state->total - offset);
    if (n != want)
        return error_set(err, ERROR_INVALID,
                         "the chunk at %" PRIu64 " has %zu bytes instead of %" PRIu64, offset, n,
                         want);
    return 0;
}

int upload_put(struct space *space, const char *id, uint64_t offset, const void *bytes, size_t n,
               const uint8_t sha256[UPLOAD_HASH], struct error *err)
{
    AUTO_UPLOAD upload = upload_none();
    uint8_t     hash[UPLOAD_HASH];

    if (upload_hold(&upload, space, id, LOCK_SH, err) < 0 ||
        check_place(&upload, offset, n, err) < 0)
        return -1;
    if (upload.part_fd < 0)
        return error_set(err, ERROR_EXISTS, "the upload is finished already");
    (void)crypto_hash_sha256(hash, bytes, n); // always returns 0, and needs no sodium_init()
    if (memcmp(hash, sha256, sizeof hash) != 0)
        return error_set(err, ERROR_INVALID,
                         "the chunk at %" PRIu64 " came damaged: its hash is another", offset);
    if (upload_write_at(upload.part_fd, bytes, n, offset, err) < 0)
        return -1;
    return upload_write_at(upload.map_fd, hash, sizeof hash,
                           offset / upload.state.chunk_bytes * UPLOAD_HASH, err);
}

int upload_read_status(struct upload_status *ret, struct space *space, const char *id,
                       struct error *err)
{
    AUTO_UPLOAD          upload = upload_none();
    AUTO(freep) uint8_t *map = NULL;
    struct stat          st;

    if (upload_hold(&upload, space, id, LOCK_SH, err) < 0 ||
        upload_read_map(&map, &upload, err) < 0)
        return -1;
    if (fstat(upload.map_fd, &st) < 0)
        return error_sys(err, errno, "looking at an upload");
    *ret = (struct upload_status){
        .total = upload.state.total,
        .chunk_bytes = upload.state.chunk_bytes,
        .n_chunks = upload.n_chunks,
        .touched_unix_s = st.st_mtim.tv_sec,
    };
    memcpy(ret->path, upload.state.path, sizeof ret->path);
    for (uint32_t i = 0; i < upload.n_chunks; i++)
        if (upload_is_chunk_there(map, i)) {
            ret->is_there[i / 8] |= (uint8_t)(1u << i % 8);
            ret->n_there++;
        }
    return 0;
}
