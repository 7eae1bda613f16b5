// SPDX-License-Identifier: MIT
#pragma once

// outlet: lines for the journal, each behind its priority, and not without end.
//
// A line is "<N>text": the init system takes N for its priority, and whatever the text begins with
// for text. What programs print is counted; beyond the limit one sentence says so and the rest is
// dropped. Our own sentences are not counted. Nobody has to read them: an error of writing ends the
// writing, not the build.

#include <stdint.h>
#include "base/log.h"

#define OUTLET_BYTES    65536u // are collected
#define OUTLET_LINE_MAX 8000u  // bytes of text

struct outlet {
    int      fd; // the caller's
    uint64_t lines_left, bytes_left;
    bool     is_full, is_broken;
    size_t   n;
    char     bytes[OUTLET_BYTES];
};

void outlet_init(struct outlet *ret, int fd, uint64_t lines_max, uint64_t bytes_max);
// A line that a program printed, at most OUTLET_LINE_MAX bytes of it, made safe to show; `n_cut`
// more were left out.
void outlet_add(struct outlet *outlet, enum log_level level, const char *text, size_t n,
                uint64_t n_cut);
// A sentence of ours.
void outlet_say(struct outlet *outlet, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
void outlet_flush(struct outlet *outlet);
