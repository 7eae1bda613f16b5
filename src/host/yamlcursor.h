// SPDX-License-Identifier: MIT
#pragma once

// yamlcursor: a small YAML document from its beginning to its end: one event at a time, each looked
// at once.
//
// Whatever fails raises "FILE:LINE: sentence", ERROR_INVALID, in the error that was given when the
// cursor was opened. Anchors, aliases and tags are refused.

#include <stdint.h>
#include <yaml.h>
#include "base/error.h"

#define YAMLCURSOR_MARKS 2u // lines that are kept in mind

struct yamlcursor;

// `file` is what messages call it; `bytes`, `file` and `err` must outlive the cursor.
int  yamlcursor_open(struct yamlcursor **ret, const char *file, const char *bytes, size_t n_bytes,
                     struct error *err) MUST_USE;
void yamlcursor_closep(struct yamlcursor **yaml);

int yamlcursor_next(struct yamlcursor *yaml) MUST_USE;
// The next event must be of this type, or `wanted` is the sentence.
int yamlcursor_expect(struct yamlcursor *yaml, yaml_event_type_t type, const char *wanted) MUST_USE;

// ---- the current event -------------------------------------------------------------------------

yaml_event_type_t yamlcursor_type(const struct yamlcursor *yaml);
unsigned          yamlcursor_line(const struct yamlcursor *yaml);
// Keeps the line in mind for a later complaint, under a number below YAMLCURSOR_MARKS; 0 before the
// first time.
void     yamlcursor_mark(struct yamlcursor *yaml, unsigned mark);
unsigned yamlcursor_marked_line(const struct yamlcursor *yaml, unsigned mark);

// Of a scalar; the text is borrowed until the next event, and may hold any bytes.
yaml_scalar_style_t yamlcursor_style(const struct yamlcursor *yaml);
const char         *yamlcursor_text(const struct yamlcursor *yaml, size_t *ret_n);
// One line of 1 to `max` bytes of printable ASCII, or NULL and the error; `key` is whose value.
const char *yamlcursor_word(struct yamlcursor *yaml, const char *key, size_t max);
// A number without quotes.
int yamlcursor_number(struct yamlcursor *yaml, const char *key, uint32_t min, uint32_t max,
                      uint32_t *ret) MUST_USE;

// The same of the next event.
const char *yamlcursor_next_word(struct yamlcursor *yaml, const char *key, size_t max);
int yamlcursor_next_number(struct yamlcursor *yaml, const char *key, uint32_t min, uint32_t max,
                           uint32_t *ret) MUST_USE;

// Raises "FILE:LINE: sentence". The sentence may quote the file: only printable ASCII gets through.
int yamlcursor_fail(struct yamlcursor *yaml, unsigned line, const char *format, ...)
    PRINTF_LIKE(3, 4);
