// SPDX-License-Identifier: MIT
#pragma once

// text: making bytes from elsewhere safe to show.

#include <stdbool.h>
#include <stddef.h>

// The length of the well-formed UTF-8 character at the start of `bytes`, 0 if there is none: no
// overlong forms, no surrogates, nothing above U+10FFFF. Source: RFC 3629, section 4.
size_t text_character(const void *bytes, size_t n);
// Whether that character, `length` bytes long, is a control character of ASCII or Latin-1.
bool text_is_control(const void *bytes, size_t length);
// Whether it is a mark of direction, which is not seen and makes a terminal show what stands around
// it in another order. Source: Unicode 15, PropList.txt, Bidi_Control.
bool text_is_direction(const void *bytes, size_t length);

// Whether all of it is well-formed UTF-8 without control characters.
bool text_is_plain(const void *bytes, size_t n);

// Copies up to `n` bytes into `ret` (at most n_ret - 1 and a NUL): control bytes other than tab and
// marks of direction become '?', and so does every byte that is not part of well-formed UTF-8.
// Never ends within a character. Returns the length.
size_t text_sanitize(char *ret, size_t n_ret, const void *bytes, size_t n);
