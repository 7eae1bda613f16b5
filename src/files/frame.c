// SPDX-License-Identifier: MIT
#include "files/frame.h"

#include <string.h>

#define FRAME_MAGIC 0x3146344cu // "L4F1"

_Static_assert(sizeof(struct frame_header) == 24, "no byte of it is padding");

// What each kind may carry.
static const struct {
    uint32_t min_bytes, max_bytes, details, flags;
    bool     wants_file; // comes after a file, or after data of one
} kinds[] = {
    [FRAME_FILE] = { 1, FRAME_PATH_MAX, 1, FRAME_IS_PROGRAM | FRAME_IS_CP437, false },
    [FRAME_DIR] = { 1, FRAME_PATH_MAX, 1, FRAME_IS_CP437, false },
    [FRAME_OTHER] = { 1, FRAME_PATH_MAX, FRAME_OTHER_COUNT, FRAME_IS_CP437, false },
    [FRAME_DATA] = { 1, FRAME_DATA_MAX, 1, 0, true },
    [FRAME_END] = { 0, 0, 1, 0, false },
    [FRAME_ERROR] = { 0, FRAME_TEXT_MAX, FRAME_ERROR_COUNT, 0, false },
};
_Static_assert(ELEMENTS(kinds) == FRAME_KIND_COUNT, "every kind has a row");

struct frame_header frame_header(enum frame_kind kind, size_t n_bytes, uint32_t detail)
{
    return (struct frame_header){
        .magic = FRAME_MAGIC,
        .kind = (uint16_t)kind,
        .n_bytes = (uint32_t)n_bytes,
        .detail = detail,
    };
}

static bool is_header_valid(const struct frame_header *header, const struct frame_state *state)
{
    if (header->magic != FRAME_MAGIC || header->kind == 0 || header->kind >= FRAME_KIND_COUNT)
        return false;
    return header->n_bytes >= kinds[header->kind].min_bytes &&
           header->n_bytes <= kinds[header->kind].max_bytes &&
           header->detail < kinds[header->kind].details &&
           !(header->flags & ~kinds[header->kind].flags) &&
           (!kinds[header->kind].wants_file || state->is_in_file) && !state->is_over;
}

int frame_parse(struct frame *ret, struct frame_state *state, const void *bytes, size_t n,
                struct error *err)
{
    struct frame frame = { .bytes = (const uint8_t *)bytes + sizeof frame.header };

    if (n < sizeof frame.header)
        return 0;
    memcpy(&frame.header, bytes, sizeof frame.header);
    if (!is_header_valid(&frame.header, state))
        return error_set(err, ERROR_INVALID,
                         "the archive's reader says what it may not say: was it taken over?");
    frame.n_total = sizeof frame.header + frame.header.n_bytes;
    if (n < frame.n_total)
        return 0;
    state->is_in_file = frame.header.kind == FRAME_FILE || frame.header.kind == FRAME_DATA;
    state->is_over = frame.header.kind == FRAME_END || frame.header.kind == FRAME_ERROR;
    *ret = frame;
    return 1;
}
