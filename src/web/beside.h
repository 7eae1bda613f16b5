// SPDX-License-Identifier: MIT
#pragma once

// beside: what a request wants of a disk, done on a thread and answered in the loop.
//
// A piece of work is a struct that begins with a `struct beside`. All that the thread needs is
// copied into it, for the request may be gone before it is done. What it has changed is recorded
// all the same: `said` is called for whatever was done, with the request or with NULL.

#include "host/paths.h"
#include "web/api.h"
#include "web/aside.h"

// The threads: web->aside.
int beside_open(struct aside **ret, sd_event *event, struct error *err) MUST_USE;

struct beside;

struct beside_kind {
    size_t size; // of the struct
    // On a thread: knows nothing but the work. What it returns is told to `said`.
    int (*work)(struct beside *work, struct error *err);
    // In the loop, where the work did not fail. Answers, if there is a request. What it fails with
    // is answered.
    int (*said)(struct beside *work, struct api_request *request, struct error *err);
    void (*done)(struct beside *work); // lets go of what the struct holds; may be NULL
};

struct beside {
    struct aside_task         task;
    const struct beside_kind *kind;
    struct web               *web; // for the loop
    const struct host_paths  *paths;
    struct api_who            who;
    bool                      has_failed;
    struct error              err;
};

// A new piece of work for the request, all zeros behind the beginning.
int  beside_new(struct beside **ret, const struct beside_kind *kind,
                const struct api_request *request, struct error *err) MUST_USE;
void beside_drop(struct beside *work); // one that was not run
// Takes it, even if it fails. ERROR_UNAVAILABLE: too much is to be done already.
int beside_run(struct beside *work, struct api_request *request, struct error *err) MUST_USE;

// Records what was done, as a part of the transaction.
int beside_audit(const struct beside *work, const char *action, const char *subject, json_t *after,
                 struct error *err) MUST_USE;
// As api_commit(), whether or not there is a request.
int beside_commit(const struct beside *work, struct transaction *transaction, struct error *err)
    MUST_USE;
