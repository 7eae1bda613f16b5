// SPDX-License-Identifier: MIT
#include "files/uploadstate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "files/filename.h"

#define STATE_MAGIC 0x3155344du // "M4U1"

_Static_assert(UPLOAD_PATH == FILENAME_PATH_MAX + 1, "a path fits");

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

int upload_state_fill(struct upload_state *ret, const struct upload_options *options,
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

struct edit_options upload_edit_options(const struct upload_state *state)
{
    return (struct edit_options){
        .only_if = state->only_if[0] ? state->only_if : NULL,
        .is_new = !(state->flags & UPLOAD_REPLACES),
        .makes_parents = true,
    };
}

uint64_t upload_own_bytes(const struct upload_state *state)
{
    return sizeof *state +
           (uint64_t)upload_n_chunks(state->total, state->chunk_bytes) * UPLOAD_HASH;
}
