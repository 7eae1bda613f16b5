// SPDX-License-Identifier: MIT
#pragma once

// journal: asks left4me-log for the log of one of our units and reads its entries.
//
// Who follows a log does not notice when the log reader is started anew, as by an upgrade: the
// connection is made again and goes on with the next line. (Of lines of the very same microsecond
// it may repeat some.)

#include "base/protocol.h"
#include "host/paths.h"

// The log reader may only be starting, on a machine that has a lot to do; more than that is a
// fault.
#define JOURNAL_SILENCE_MS 10000

struct journal; // one log

struct journal_line {
    uint64_t    realtime_us;
    unsigned    priority; // 0 to 7
    bool        is_mark;  // nothing else in it: what was asked for has been sent
    bool        is_init;  // the init system says it; else the unit's own processes, so beware
    const char *run;      // invocation id, of whoever said it; empty: not known
    const char *text;     // borrowed until the next call; NUL-terminated, without control bytes
    size_t      n_text;
};

// Borrows `paths` until it is closed. `name` is an instance or, for builds, a number in decimal.
// `flags`: LOG_FOLLOW, LOG_ALL_RUNS.
int  journal_open(struct journal **ret, const struct host_paths *paths, enum log_source source,
                  const struct instance_name *name, uint32_t n_lines, uint32_t flags,
                  struct error *err) MUST_USE;
void journal_close(struct journal *journal);
void journal_closep(struct journal **journal);
// To be polled for reading; another one after journal_next() has connected again.
int journal_fd(const struct journal *journal);
// Reads the next entry: 1 and *ret, or 0 at the end or when none came within `timeout_ms` (-1:
// waits for ever; a signal ends the wait), or -1. *ret_is_end tells the two kinds of 0 apart.
int journal_next(struct journal *journal, int timeout_ms, struct journal_line *ret,
                 bool *ret_is_end, struct error *err) MUST_USE;

typedef void journal_take(void *user, const struct journal_line *line);
// Hands on what has been written before, line by line, up to the mark that ends it; a signal does
// not. Fails with ERROR_TIMEOUT when the log reader is silent for `silence_ms`, with
// ERROR_UNAVAILABLE when it leaves before the mark.
int journal_history(struct journal *journal, unsigned silence_ms, journal_take *take, void *user,
                    struct error *err) MUST_USE;
