// SPDX-License-Identifier: MIT
#pragma once

// encoding: text files of the game, whose encoding nobody writes down, as UTF-8.
//
// A byte order mark tells UTF-16, of either order, and UTF-8. Else a byte that is part of
// well-formed UTF-8 is just that, and any other is a character of Windows-1252, which is what
// editors on Windows write: there is hardly a word in that which could be UTF-8. Other code pages
// come out as garbage, like in the game.
//
// What comes out is well-formed and without a byte order mark, and has no control character but
// tab, line feed and carriage return: the others become '?', as do halves of surrogate pairs. A NUL
// ends the text, as it does for the game.

#include "base/error.h"
#include <stdint.h>

#define ENCODING_BYTES_MAX 4194304u // of the text that comes in

// *ret is owned, NUL-terminated, *ret_n bytes long without that NUL: at most three times n_bytes.
int encoding_to_utf8(char **ret, size_t *ret_n, const uint8_t *bytes, size_t n_bytes,
                     struct error *err) MUST_USE;
