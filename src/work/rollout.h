// SPDX-License-Identifier: MIT
#pragma once

// rollout: restarts the servers for which something is pending, as a job asks for it: each of them
// ("force"), those that nobody plays on ("skip"), or each as soon as nobody does ("wait"). A server
// that does not answer is one that somebody may play on.
//
// A restart is a job of its own, so that it keeps to the order of what is done with its server.

#include <jansson.h>
#include <systemd/sd-event.h>
#include "store/job.h"

struct rollout;

struct rollout_handler {
    void (*say)(void *context, const char *text);
    void (*progress)(void *context, int percent);
    void (*has_work)(void *context); // there is another job
    // The last call, the rollout is gone then. `why` is NULL if it succeeded; `result` is taken.
    void (*done)(void *context, json_t *result, const struct error *why);
};

// All is borrowed. Nothing is called within this call.
int rollout_begin(struct rollout **ret, sd_event *event, struct database *db, const struct job *job,
                  const struct rollout_handler *handler, void *context, struct error *err) MUST_USE;
// What it has asked for goes on. Takes NULL, returns NULL.
struct rollout *rollout_leave(struct rollout *rollout);
