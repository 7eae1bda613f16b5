// SPDX-License-Identifier: MIT
#pragma once

// stream: what a program prints, cut into lines.
//
// LF ends a line; empty ones are skipped. CR ends a state of a progress bar: of its states one is
// shown every STREAM_BAR_MS, and the last one if nothing follows on its line. A long line is cut,
// and so much of it as is never shown costs no memory. The end of the stream ends the line.

#include <stdint.h>
#include "build/outlet.h"

#define STREAM_BAR_MS 200

struct stream_line {
    size_t   n;
    uint64_t n_cut; // more bytes that had no room
    char     text[OUTLET_LINE_MAX];
};

struct stream {
    struct outlet     *outlet;
    enum log_level     level;
    int64_t            shown_ms;  // when a bar was shown last
    struct stream_line line, bar; // bar: its last state that was not shown; n is 0: none
};

void stream_init(struct stream *ret, struct outlet *outlet, enum log_level level);
void stream_feed(struct stream *stream, const char *bytes, size_t n, int64_t now_ms);
// Shows the bar if it is time to. Returns in how many milliseconds it will be; -1: there is none.
int64_t stream_show_bar(struct stream *stream, int64_t now_ms);
void    stream_finish(struct stream *stream);
