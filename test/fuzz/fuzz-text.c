// SPDX-License-Identifier: MIT

// fuzz-text: whatever goes in, what comes out is well-formed, and clean already.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    size_t room = n_bytes + 1;
    char  *once = malloc(room), *twice = malloc(room);

    size_t n = text_sanitize(once, room, bytes, n_bytes);
    if (n > n_bytes || text_sanitize(twice, room, once, n) != n || strcmp(once, twice) != 0)
        __builtin_trap();
    for (size_t i = 0, length; i < n; i += length)
        if (!(length = text_character(once + i, n - i)) ||
            (text_is_control(once + i, length) && once[i] != '\t') ||
            text_is_direction(once + i, length))
            __builtin_trap();
    free(once);
    free(twice);
    return 0;
}
