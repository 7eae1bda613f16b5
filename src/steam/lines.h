// SPDX-License-Identifier: MIT
#pragma once

// lines: a stream of bytes from a program we do not trust, cut into lines.
//
// LF and CR both end a line; empty ones are skipped. Of a line longer than LINES_MAX only the
// beginning is handed on, as soon as it is there, and the rest dropped: a line that never ends
// costs no memory and holds nothing up. Bytes are passed as they came, NULs included.

#include <stdbool.h>
#include <stddef.h>

#define LINES_MAX 1024u

typedef void lines_take(void *user, const char *line, size_t n_line);

struct lines { // starts as { 0 }
    char   text[LINES_MAX];
    size_t n;
    bool   is_dropping; // until the end of the line
};

void lines_feed(struct lines *lines, const char *bytes, size_t n_bytes, lines_take *take,
                void *user);
// Hands on what is left without its end of line.
void lines_finish(struct lines *lines, lines_take *take, void *user);
