// SPDX-License-Identifier: MIT

// fuzz-frame: the stream that the reader of archives writes, as if somebody had taken it over.
// Every frame that is let through is within its limits and in order, whatever came before.

#include <stdlib.h>
#include <string.h>
#include "files/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check(const struct frame *frame, bool was_in_file, bool was_over, size_t n_bytes)
{
    const struct frame_header *header = &frame->header;

    if (was_over || header->kind == 0 || header->kind >= FRAME_KIND_COUNT ||
        frame->n_total != sizeof *header + header->n_bytes || frame->n_total > n_bytes ||
        header->n_bytes > FRAME_DATA_MAX)
        abort();
    if (header->kind == FRAME_DATA && (!was_in_file || header->n_bytes == 0))
        abort();
    if ((header->kind == FRAME_FILE || header->kind == FRAME_DIR || header->kind == FRAME_OTHER) &&
        (header->n_bytes == 0 || header->n_bytes > FRAME_PATH_MAX))
        abort();
    if (header->kind == FRAME_OTHER && header->detail >= FRAME_OTHER_COUNT)
        abort();
    if (header->kind == FRAME_ERROR &&
        (header->detail >= FRAME_ERROR_COUNT || header->n_bytes > FRAME_TEXT_MAX))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct frame_state state = { 0 };
    struct frame       frame;
    struct error       err;

    for (;;) {
        struct frame_state before = state;
        if (frame_parse(&frame, &state, bytes, n_bytes, &err) <= 0)
            return 0;
        check(&frame, before.is_in_file, before.is_over, n_bytes);
        bytes += frame.n_total;
        n_bytes -= frame.n_total;
    }
}
