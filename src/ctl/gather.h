// SPDX-License-Identifier: MIT
#pragma once

// gather: bytes that come piece by piece, cut into lines, or kept up to a limit.

#include <stdbool.h>
#include <stddef.h>
#include "base/macros.h"

struct gather {   // starts as { 0 }
    char  *bytes; // owned
    size_t n, capacity;
    bool   is_dropping; // until the end of the line
};

typedef void gather_take(void *context, const char *line, size_t n, bool is_cut);

// Hands on each line without its LF, and a CR before that. Of one longer than `max` the beginning
// is handed on as soon as it is there, and the rest dropped. -1: out of memory.
int gather_lines(struct gather *gather, const char *bytes, size_t n, size_t max, gather_take *take,
                 void *context) MUST_USE;
// Hands on what is left without its end of line.
void gather_finish(struct gather *gather, gather_take *take, void *context);

// Keeps the bytes, with a NUL behind them. -1: out of memory.
int  gather_keep(struct gather *gather, const char *bytes, size_t n) MUST_USE;
void gather_done(struct gather *gather);
