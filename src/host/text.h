// SPDX-License-Identifier: MIT
#pragma once

// text: a growing buffer for what we write, and how foreign bytes are made fit to be shown.
//
// A struct text starts as { 0 }. When memory runs out or TEXT_MAX is passed it remembers that and
// ignores what follows; the one who uses the bytes asks text_check once.

#include <stddef.h>
#include "base/error.h"

#define TEXT_MAX (16u << 20) // bytes

struct text {
    char  *bytes; // owned; NUL-terminated as soon as something was added
    size_t n;     // bytes without that NUL
    size_t capacity;
    bool   is_failed;
};

void text_add(struct text *text, const void *bytes, size_t n);
void text_add_string(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
int  text_check(const struct text *text, struct error *err) MUST_USE;
void text_done(struct text *text);

// A list of strings, each with its NUL, one behind the other. Starts as { 0 }.
struct strings {
    struct text text;
    size_t      n; // strings
};

void        strings_add(struct strings *strings, const char *bytes, size_t n);
// The string after `previous` (NULL: the first one), NULL at the end.
const char *strings_next(const struct strings *strings, const char *previous);
bool        strings_equal(const struct strings *a, const struct strings *b);
void        strings_done(struct strings *strings);

// The length of the UTF-8 sequence at the start of `bytes`, 0 if it is not valid there.
size_t text_utf8_length(const char *bytes, size_t n);
// Adds foreign bytes so that a terminal shows them and obeys none: control bytes, backslashes and
// what is not UTF-8 become \xHH.
void text_add_escaped(struct text *text, const char *bytes, size_t n);
// Adds foreign bytes as valid UTF-8: what is not becomes U+FFFD. Control bytes stay.
void text_add_utf8(struct text *text, const char *bytes, size_t n);
