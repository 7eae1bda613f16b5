// SPDX-License-Identifier: MIT
#pragma once

// run: one job under way: the commands that it takes one after the other, what they say, and how it
// ends. It reads the database and writes nothing into it: that is the runner's (runner.h), which
// takes from here what there is to be written.

#include <jansson.h>
#include "ctl/ctl.h"
#include "store/job.h"
#include "store/secret.h"

#define RUN_ATTEMPTS_MAX 3u
#define RUN_GRACE_MS     20000u // from SIGINT to SIGKILL

struct run;

// What all of them have in common.
struct run_host {
    sd_event                *event;
    struct database         *db;
    const struct secret_key *key; // NULL: passwords are left to the host
    struct ctl_pool         *pool;
    // There is something to be written, there is another job; within a call of the loop, never
    // within one of run_begin().
    void (*changed)(void *context);
    void (*has_work)(void *context);
    void *context;
};

struct run_line {
    int64_t         time_us;
    enum job_stream stream;
    size_t          n;
    char           *text;
};

// `job` is copied, `host` borrowed. `is_begun`: by a worker that is gone, and what it did is there
// already, or half. NULL: out of memory. It may have ended already.
struct run *run_begin(const struct run_host *host, const struct job *job, bool is_begun);
// Ends the command that is at work, without a word. Takes NULL, returns NULL.
struct run *run_free(struct run *run);

const struct job *run_job(const struct run *run);
bool              run_is_build(const struct run *run);
int               run_progress(const struct run *run); // percent; -1: not known

// As Ctrl-C does; it ends as cancelled if it was not done already. Again: nothing.
void run_cancel(struct run *run);

// What it has said and was not forgotten yet. Whoever has more than he can take is waited for.
const struct run_line *run_lines(const struct run *run, size_t *ret_n);
void                   run_forget_lines(struct run *run);

// True: it has ended; *ret_why is of a failed one.
bool run_has_ended(const struct run *run, enum job_state *ret, struct error *ret_why);
// What it has to show, borrowed; NULL: nothing.
const json_t *run_result(const struct run *run);
// What it came to could not be written: that is its end.
void run_fail(struct run *run, const struct error *why);
