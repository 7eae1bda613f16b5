// SPDX-License-Identifier: MIT
#include "files/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "files/edit.h"
#include "files/filename.h"

#define STATE_MAGIC     0x3155344du // "M4U1"
#define STATE_FILE      "state"
#define MAP_FILE        "map"
#define PART_FILE       "part"
#define OWN_ENTRIES     4u // an upload's directory and files
#define READ_BYTES      131072u
#define ID_RANDOM_BYTES 16u

_Static_assert(UPLOAD_HASH == crypto_hash_sha256_BYTES, "a hash is a hash");
_Static_assert(UPLOAD_PATH == FILENAME_PATH_MAX + 1, "a path fits");

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// An upload that is held: shared while a chunk comes, alone while it is finished.
struct upload {
    int                 dir_fd, state_fd, map_fd, part_fd; // part: -1 when it is in place already
    struct upload_state state;
    uint32_t            n_chunks;
};

static void upload_done(struct upload *upload)
{
    upload->part_fd = fd_close(upload->part_fd);
    upload->map_fd = fd_close(upload->map_fd);
    upload->state_fd = fd_close(upload->state_fd);
    upload->dir_fd = fd_close(upload->dir_fd);
}
#define AUTO_UPLOAD AUTO(upload_done) struct upload

static struct upload upload_none(void)
{
    return (struct upload){ .dir_fd = -1, .state_fd = -1, .map_fd = -1, .part_fd = -1 };
}

// ---- the state --------------------------------------------------------------------------------

uint32_t upload_n_chunks(uint64_t total, uint32_t chunk_bytes)
{
    return (uint32_t)(total / chunk_bytes + (total % chunk_bytes != 0));
}

static int check_sizes(uint64_t total, uint32_t chunk_bytes, struct error *err)
{
    if (chunk_bytes < UPLOAD_CHUNK_MIN || chunk_bytes > UPLOAD_CHUNK_MAX)
        return error_set(err, ERROR_INVALID, "a chunk has %" PRIu32 " to %" PRIu32 " bytes",
                         UPLOAD_CHUNK_MIN, UPLOAD_CHUNK_MAX);
    if (total > (uint64_t)chunk_bytes * UPLOAD_CHUNKS_MAX)
        return error_set(err, ERROR_INVALID,
                         "%" PRIu64 " bytes are more than %u chunks of %" PRIu32 " bytes", total,
                         UPLOAD_CHUNKS_MAX, chunk_bytes);
    return 0;
}

static int damaged(struct error *err)
{
    return error_set(err, ERROR_INVALID, "the state of the upload is damaged");
}

// Text that is ended, and zeros from there on.
static bool is_padded(const char *text, size_t size)
{
    size_t n = strnlen(text, size);

    for (size_t i = n; i < size; i++)
        if (text[i])
            return false;
    return n < size;
}

int upload_state_parse(struct upload_state *ret, const void *bytes, size_t n, struct error *err)
{
    struct upload_state state;
    struct error        why = { 0 };

    if (n != sizeof state)
        return damaged(err);
    memcpy(&state, bytes, sizeof state);
    if (state.magic != STATE_MAGIC || state.n_bytes != sizeof state ||
        state.flags & ~(UPLOAD_HAS_HASH | UPLOAD_REPLACES | UPLOAD_IS_PROGRAM) ||
        check_sizes(state.total, state.chunk_bytes, &why) < 0 ||
        !is_padded(state.only_if, sizeof state.only_if) ||
        !is_padded(state.path, sizeof state.path) ||
        memcmp(state.zero, (char[sizeof state.zero]){ 0 }, sizeof state.zero) != 0 ||
        (state.path[0] && filename_check(state.path, &why) < 0))
        return damaged(err);
    *ret = state;
    return 0;
}

static struct edit_options edit_options_of(const struct upload_state *state)
{
    return (struct edit_options){
        .only_if = state->only_if[0] ? state->only_if : NULL,
        .is_new = !(state->flags & UPLOAD_REPLACES),
        .makes_parents = true,
    };
}

// ---- opening ----------------------------------------------------------------------------------

static bool is_id(const char *id)
{
    return strlen(id) == 2 * (size_t)ID_RANDOM_BYTES &&
           strspn(id, "0123456789abcdef") == strlen(id);
}

static int say_gone(const char *id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "there is no upload '%.40s'", id);
}

static int open_part(int *ret, int dir_fd, const char *name, int flags, struct error *err)
{
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening the upload's %s", name);
    *ret = fd;
    return 0;
}

static int read_state(struct upload *upload, struct error *err)
{
    char    bytes[sizeof(struct upload_state) + 1];
    ssize_t n = fd_read_up_to(upload->state_fd, bytes, sizeof bytes);

    if (n < 0)
        return error_sys(err, errno, "reading the state of an upload");
    if (upload_state_parse(&upload->state, bytes, (size_t)n, err) < 0)
        return -1;
    upload->n_chunks = upload_n_chunks(upload->state.total, upload->state.chunk_bytes);
    return 0;
}

// Opens the upload and holds it with `lock`, LOCK_SH or LOCK_EX.
static int upload_hold(struct upload *upload, const struct space *space, const char *id, int lock,
                       struct error *err)
{
    struct stat st;
    int         r;

    if (!is_id(id))
        return say_gone(id, err);
    upload->dir_fd = openat(space->uploads_fd, id, dir_flags);
    if (upload->dir_fd < 0)
        return errno == ENOENT ? say_gone(id, err) : error_sys(err, errno, "opening an upload");
    if (open_part(&upload->state_fd, upload->dir_fd, STATE_FILE, O_RDONLY, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? say_gone(id, err) : -1;
    do
        r = flock(upload->state_fd, lock);
    while (r < 0 && errno == EINTR);
    if (r < 0 || fstat(upload->state_fd, &st) < 0)
        return error_sys(err, errno, "holding an upload");
    if (st.st_nlink == 0) // it ended while we waited
        return say_gone(id, err);
    if (read_state(upload, err) < 0 ||
        open_part(&upload->map_fd, upload->dir_fd, MAP_FILE, O_RDWR, err) < 0)
        return -1;
    upload->part_fd = openat(upload->dir_fd, PART_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (upload->part_fd < 0 && errno != ENOENT)
        return error_sys(err, errno, "opening the upload's bytes");
    return 0;
}

// ---- beginning --------------------------------------------------------------------------------

static int fill_state(struct upload_state *ret, const struct upload_options *options,
                      struct error *err)
{
    struct upload_state state = {
        .magic = STATE_MAGIC,
        .n_bytes = sizeof state,
        .total = options->total,
        .chunk_bytes = options->chunk_bytes ? options->chunk_bytes : UPLOAD_CHUNK_DEFAULT,
        .flags = (options->sha256 ? UPLOAD_HAS_HASH : 0) |
                 (options->replaces ? UPLOAD_REPLACES : 0) |
                 (options->is_program ? UPLOAD_IS_PROGRAM : 0),
    };

    if (*options->path && filename_check(options->path, err) < 0)
        return -1;
    if (check_sizes(state.total, state.chunk_bytes, err) < 0)
        return -1;
    if (options->only_if && strlen(options->only_if) >= sizeof state.only_if)
        return error_set(err, ERROR_EXISTS, "'%.140s' was changed by somebody else", options->path);
    (void)snprintf(state.path, sizeof state.path, "%s", options->path);
    (void)snprintf(state.only_if, sizeof state.only_if, "%s",
                   options->only_if ? options->only_if : "");
    if (options->sha256)
        memcpy(state.sha256, options->sha256, sizeof state.sha256);
    *ret = state;
    return 0;
}

// What would stop it at its end stops it now, if it is there already.
static int check_target(struct space *space, const struct upload_state *state, struct error *err)
{
    struct edit_options options = edit_options_of(state);
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
    AUTO_FD fd = openat(space->uploads_fd, id, dir_flags);
    if (fd < 0)
        return error_sys(err, errno, "making an upload");
    if (make_sized(fd, PART_FILE, state->total, err) < 0 ||
        make_sized(fd, MAP_FILE, map_bytes, err) < 0)
        return -1;
    return fd_replace_file(fd, STATE_FILE, state, sizeof *state, 0600, err);
}

// What an upload takes up besides its own bytes.
static uint64_t own_bytes(const struct upload_state *state)
{
    return sizeof *state +
           (uint64_t)upload_n_chunks(state->total, state->chunk_bytes) * UPLOAD_HASH;
}

static int make_id(struct upload_id *ret, struct error *err)
{
    uint8_t random[ID_RANDOM_BYTES];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_sys(err, errno, "making a name for an upload");
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(ret->text + 2 * i, 3, "%02x", random[i]);
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

    if (fill_state(&state, options, err) < 0 || space_check_file(space, options->total, err) < 0 ||
        make_id(&id, err) < 0 || space_lock(&locked, space, err) < 0 ||
        check_target(space, &state, err) < 0 || count_uploads(&n, space, err) < 0)
        return -1;
    if (n >= UPLOADS_MAX)
        return error_set(err, ERROR_BUSY,
                         "there are %u unfinished uploads already: finish or abort "
                         "one of them",
                         n);
    uint64_t bytes = state.total + own_bytes(&state);
    if (space_charge(space, (int64_t)bytes, OWN_ENTRIES, err) < 0)
        return -1;
    if (make_upload(space, id.text, &state, err) < 0) {
        (void)!tree_remove(space->uploads_fd, id.text, &ignored); // or it is swept away later
        space_refund(space, bytes, OWN_ENTRIES);
        return -1;
    }
    *ret = id;
    return 0;
}

// ---- chunks -----------------------------------------------------------------------------------

static int write_at(int fd, const void *bytes, size_t n, uint64_t offset, struct error *err)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_sys(err, errno, "writing a chunk");
        p += put;
        n -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

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
    if (write_at(upload.part_fd, bytes, n, offset, err) < 0)
        return -1;
    return write_at(upload.map_fd, hash, sizeof hash,
                    offset / upload.state.chunk_bytes * UPLOAD_HASH, err);
}

// The map of an upload, of `n_chunks` hashes; owned. Bytes that it lacks are zeros.
static int read_map(uint8_t **ret, const struct upload *upload, struct error *err)
{
    size_t               n = (size_t)upload->n_chunks * UPLOAD_HASH;
    AUTO(freep) uint8_t *map = calloc(1, n + 1);

    if (!map)
        return error_sys(err, ENOMEM, "reading an upload");
    if (pread(upload->map_fd, map, n, 0) < 0) // short after a power cut, if at all
        return error_sys(err, errno, "reading an upload");
    *ret = TAKE(map);
    return 0;
}

static bool is_chunk_there(const uint8_t *map, uint32_t chunk)
{
    return !sodium_is_zero(map + (size_t)chunk * UPLOAD_HASH, UPLOAD_HASH);
}

int upload_read_status(struct upload_status *ret, struct space *space, const char *id,
                       struct error *err)
{
    AUTO_UPLOAD          upload = upload_none();
    AUTO(freep) uint8_t *map = NULL;
    struct stat          st;

    if (upload_hold(&upload, space, id, LOCK_SH, err) < 0 || read_map(&map, &upload, err) < 0)
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
        if (is_chunk_there(map, i)) {
            ret->is_there[i / 8] |= (uint8_t)(1u << i % 8);
            ret->n_there++;
        }
    return 0;
}

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

    if (read_map(&map, upload, err) < 0)
        return -1;
    for (uint32_t i = upload->n_chunks; i-- > 0;)
        if (!is_chunk_there(map, i)) {
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
        if (write_at(upload->map_fd, nothing, UPLOAD_HASH, (uint64_t)i * UPLOAD_HASH, err) < 0)
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
    struct edit_options               options = edit_options_of(state);
    AUTO_FD                           dir_fd = -1;
    const char                       *name;
    struct stat                       old;

    if (space_lock(&locked, space, err) < 0 ||
        space_open_parent(&dir_fd, &name, space, state->path, true, err) < 0 ||
        edit_look(&old, dir_fd, name, state->path, err) < 0 ||
        edit_check(&old, state->path, &options, err) < 0)
        return -1;
    if (renameat(upload->dir_fd, PART_FILE, dir_fd, name) < 0)
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
    if (drop(space, id, own_bytes(&upload.state), OWN_ENTRIES - 1, err) < 0)
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
        return say_gone(id, err);
    if (verify(&upload, err) < 0)
        return -1;
    return open_part(ret, upload.dir_fd, PART_FILE, O_RDONLY, err);
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
    uint64_t bytes = own_bytes(&upload.state);
    bool     has_part = upload.part_fd >= 0;
    return drop(space, id, bytes + (has_part ? upload.state.total : 0),
                has_part ? OWN_ENTRIES : OWN_ENTRIES - 1, err);
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
        if (is_id(name))
            (void)snprintf(ret[n++].text, sizeof ret->text, "%s", name);
    if (r < 0)
        return -1;
    *ret_n = n;
    return 0;
}

// When something came for it the last time; of one without a state or map, when it was made.
static int64_t touched(const struct space *space, const char *id)
{
    AUTO_FD     fd = openat(space->uploads_fd, id, dir_flags);
    struct stat st;

    if (fd < 0 || (fstatat(fd, MAP_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 && fstat(fd, &st) < 0))
        return 0;
    return st.st_mtim.tv_sec;
}

static int sweep_one(unsigned *n_removed, struct space *space, const char *id, struct error *err)
{
    AUTO(space_unlockp) struct space *locked = NULL;

    if (is_id(id) && upload_abort(space, id, err) < 0)
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
