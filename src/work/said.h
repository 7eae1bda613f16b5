// SPDX-License-Identifier: MIT
#pragma once

// said: what l4d2ctl prints with --json while it works, taken apart line by line.
//
// A line {"text", "stream"} is a line of a log, one with "progress" says how far it is. All else in
// JSON is a document, on one line or on several; the last one is the result, or the error. What is
// no JSON is a line of a log as well.

#include <jansson.h>
#include "base/error.h"
#include "ctl/gather.h"
#include "store/job.h"

#define SAID_DOCUMENT_MAX (1u << 20) // bytes of one on several lines

struct said {            // starts as { 0 }
    struct gather lines; // of a document that is not complete
    json_t       *last;  // the last document
};

enum said_kind { SAID_NOTHING, SAID_TEXT, SAID_PROGRESS };

struct said_line {
    enum said_kind  kind;
    enum job_stream stream;
    const char     *text; // borrowed until the next one
    size_t          n_text;
    int             percent; // 0 to 100
    json_t         *owner;   // what the text is part of, or NULL
    char           *dump;    // likewise
};

// Takes a line of standard output. *ret is to be done with said_line_done().
void said_take(struct said_line *ret, struct said *said, const char *line, size_t n);
void said_line_done(struct said_line *line);
void said_done(struct said *said);
