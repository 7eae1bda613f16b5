// SPDX-License-Identifier: MIT
#pragma once

// tailparts: what tail.c and tailpast.c share, and nobody else sees.

#include "base/protocol.h"
#include "ctl/ctl.h"
#include "web/tail.h"

#define TAIL_PASTS_MAX 8u // that are read at a time

struct tail {
    struct tails       *tails;
    struct tail        *next;
    int64_t             server;
    char                instance[INSTANCE_NAME_MAX + 1];
    unsigned            n_refs;
    struct tail_line    lines[TAIL_LINES_MAX]; // a ring, by the number of the line
    uint64_t            first, end;            // numbers
    size_t              n_bytes;
    struct tail_reading reading;
    struct ctl         *ctl;
    sd_event_source    *again;     // it is begun again,
    sd_event_source    *end_timer; // or ended
    bool                is_ready;  // what there was has been read
    bool                is_behind; // the last line that is here has not come again yet
};

struct tails {
    sd_event        *event;
    struct ctl_pool *pool;
    struct tail     *all;
    unsigned         n, n_pasts;
    void (*came)(void *context, struct tail *tail);
    void *context;
};

// Runs `l4d2ctl logs` for the last so many lines of all runs; `last_word` may be NULL.
int tail_run(struct ctl **ret, const struct tail *tail, const char *n_lines, const char *last_word,
             const struct ctl_handler *handler, void *context, struct error *err) MUST_USE;
