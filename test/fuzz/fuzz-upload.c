// SPDX-License-Identifier: MIT

// fuzz-upload: the state of an upload on disk. What is understood is within its limits, has a path
// that may be made, and comes back the same.

#include <stdlib.h>
#include <string.h>
#include "files/filename.h"
#include "files/uploadstate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct upload_state state, again;
    struct error        err = { 0 };

    if (upload_state_parse(&state, bytes, n_bytes, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return 0;
    }
    if (!memchr(state.path, '\0', sizeof state.path) ||
        !memchr(state.only_if, '\0', sizeof state.only_if) ||
        (state.path[0] && filename_check(state.path, &err) < 0) ||
        upload_n_chunks(state.total, state.chunk_bytes) > UPLOAD_CHUNKS_MAX)
        abort();
    if (upload_state_parse(&again, &state, sizeof state, &err) < 0 ||
        memcmp(&again, &state, sizeof state) != 0)
        abort();
    return 0;
}
