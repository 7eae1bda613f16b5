// SPDX-License-Identifier: MIT
#pragma once

// buffer: a growing text for what we write, and how foreign bytes are made fit to be shown.
//
// A struct buffer starts as { 0 }. When memory runs out or BUFFER_MAX is passed it remembers that
// and ignores what follows; the one who uses the bytes asks buffer_check once.

#include <stddef.h>
#include "base/error.h"

#define BUFFER_MAX (16u << 20) // bytes

struct buffer {
    char  *bytes; // owned; NUL-terminated as soon as something was added
    size_t n;     // bytes without that NUL
    size_t capacity;
    bool   is_failed;
};

void buffer_add(struct buffer *text, const void *bytes, size_t n);
void buffer_add_string(struct buffer *text, const char *string);
void buffer_printf(struct buffer *text, const char *format, ...) PRINTF_LIKE(2, 3);
int  buffer_check(const struct buffer *text, struct error *err) MUST_USE;
void buffer_done(struct buffer *text);

// A list of strings, each with its NUL, one behind the other. Starts as { 0 }.
struct strings {
    struct buffer text;
    size_t        n; // strings
};

void strings_add(struct strings *strings, const char *bytes, size_t n);
// The string after `previous` (NULL: the first one), NULL at the end.
const char *strings_next(const struct strings *strings, const char *previous);
bool        strings_equal(const struct strings *a, const struct strings *b);
void        strings_done(struct strings *strings);

// Adds foreign bytes so that a terminal shows them and obeys none: control bytes, marks of
// direction, backslashes and what is not UTF-8 become \xHH.
void buffer_add_escaped(struct buffer *text, const char *bytes, size_t n);
// Adds foreign bytes as valid UTF-8: what is not becomes U+FFFD. Control bytes stay.
void buffer_add_utf8(struct buffer *text, const char *bytes, size_t n);
