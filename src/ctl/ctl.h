// SPDX-License-Identifier: MIT
#pragma once

// ctl: runs l4d2ctl as a child in an sd-event loop.
//
// There is no shell: the words are given one by one. The child has a process group and an
// environment of its own, and no descriptor of ours but the three it is given. Its standard error
// comes line by line; its output comes line by line as well, or as bytes as they come, or all of it
// at the end. Whoever cannot take more for now pauses it; whoever does not want it any more leaves
// it.
//
// A run is over when the child has ended and its output is read. What it started and left behind is
// killed then: nobody who holds the pipe open holds us up.
//
// Everything happens in the loop; nothing blocks but ctl_pool_close().

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/error.h"

#define CTL_WORDS_MAX 64u         // of a command line
#define CTL_INPUT_MAX (16u << 20) // bytes

struct ctl_pool; // where the program is, and all that run
struct ctl;      // one that runs

enum ctl_mode {
    CTL_LINES, // line() gets its output
    CTL_BYTES, // bytes() does
    CTL_WHOLE, // done() does
};
enum ctl_stream { CTL_OUTPUT, CTL_ERROR };

enum ctl_cause {
    CTL_ENDED,     // by itself
    CTL_STOPPED,   // it was stopped by ctl_stop()
    CTL_TOO_LONG,  // it took longer than it may,
    CTL_TOO_LARGE, // or wrote more than it may; and was stopped
};

struct ctl_limits {
    unsigned time_ms;      // 0: none
    unsigned grace_ms;     // from SIGINT to SIGKILL
    size_t   line_bytes;   // the rest of a longer line is dropped
    uint64_t output_bytes; // of both streams together; 0: none. CTL_WHOLE must have one
};

// For an answer that somebody waits for: 20 s, 1 MiB.
extern const struct ctl_limits ctl_limits_default;

struct ctl_request {
    enum ctl_mode      mode;
    const char *const *words; // NULL-terminated, without the program itself
    const void        *input; // what it may read; copied. NULL: nothing
    size_t             n_input;
    struct ctl_limits  limits;
};

// How it ended. `output` is of CTL_WHOLE, NUL-terminated, borrowed during the call.
struct ctl_end {
    enum ctl_cause    cause;
    int               code;   // its exit code; -1: a signal ended it
    int               signal; // that signal, or 0
    const char       *output;
    size_t            n_output;
    struct ctl_limits limits;
};

// Each may be NULL, and may stop, pause, resume or leave the run.
struct ctl_handler {
    // Without its end, as it came: it may hold any byte. `is_cut`: it was longer.
    void (*line)(void *context, enum ctl_stream stream, const char *text, size_t n, bool is_cut);
    void (*bytes)(void *context, const char *bytes, size_t n);
    // The last call. The run is gone afterwards.
    void (*done)(void *context, const struct ctl_end *end);
};

// `program` is a path; at most `n_max` run at the same time.
int ctl_pool_open(struct ctl_pool **ret, sd_event *event, const char *program, unsigned n_max,
                  struct error *err) MUST_USE;
// Kills all that run, and tells nobody. Takes NULL, returns NULL.
struct ctl_pool *ctl_pool_close(struct ctl_pool *pool);
void             ctl_pool_closep(struct ctl_pool **pool);
unsigned         ctl_pool_running(const struct ctl_pool *pool); // those that were left included

// ERROR_BUSY: as many run as may. `handler` and `context` are borrowed until it is done or left.
int ctl_run(struct ctl **ret, struct ctl_pool *pool, const struct ctl_request *request,
            const struct ctl_handler *handler, void *context, struct error *err) MUST_USE;

// Sends SIGINT, as Ctrl-C does, and SIGKILL if it has not ended after the grace. Again: nothing.
void ctl_stop(struct ctl *ctl);
// Its output is not read any more, so that it must wait; of what is read already at most one more
// piece comes as lines, none as bytes.
void ctl_pause(struct ctl *ctl);
void ctl_resume(struct ctl *ctl);
// Stops it; nothing more is told of it, and it may not be used any more.
void ctl_leave(struct ctl *ctl);
