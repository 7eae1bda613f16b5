// SPDX-License-Identifier: MIT
#pragma once

// runner: takes jobs from the queue, has them done side by side, and writes down what they say and
// how they end.
//
// It is the only one who works with a database: whatever was under way when it begins is of one
// that is gone, and goes on here. What cannot be written for now, because somebody else has the
// database locked or the disk is full, is kept and tried again; a job that says more than can be
// written is made to wait.

#include "work/run.h"

struct runner;

struct runner_config {
    sd_event       *event;
    struct run_host host; // without what it calls
    const char     *worker;
    unsigned        n_max, n_builds_max; // side by side
    void (*changed)(void *context);      // something was written that others may show
    void (*ended)(void *context, const struct job *job); // and it is written
    void *context;
};

// `config` is copied, what it points at is borrowed.
int runner_open(struct runner **ret, const struct runner_config *config, struct error *err)
    MUST_USE;
// Leaves what is under way to the next one. Takes NULL, returns NULL.
struct runner *runner_close(struct runner *runner);

// The database has changed: there may be work, or something to be cancelled.
void runner_look(struct runner *runner);
// Whether a job about the server is under way.
bool runner_has_server(const struct runner *runner, int64_t server);
