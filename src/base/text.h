// SPDX-License-Identifier: MIT
#pragma once

// text: making bytes from elsewhere safe to show.

#include <stddef.h>

// Copies up to `n` bytes into `ret` (at most n_ret - 1 and a NUL): control bytes other than tab
// become '?', and so does every byte that is not part of well-formed UTF-8. Never ends within a
// character. Returns the length.
size_t text_sanitize(char *ret, size_t n_ret, const void *bytes, size_t n);
