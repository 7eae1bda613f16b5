// SPDX-License-Identifier: MIT
#pragma once

// plan: what the next start of a server will run, made ready for the broker.

#include "host/instance.h"
#include "host/paths.h"

// The server that a plan is for.
struct plan_server {
    const struct host_paths    *paths;
    const struct instance_name *name;
    const struct instance      *instance;
    int                         instance_fd; // its directory; locked by who makes a plan
};

// Generations to take in place of the current ones.
struct plan_choice {
    uint32_t         n;
    struct layer_ref refs[8];
};

// Reads "OVERLAY=GENERATION".
int plan_choice_add(struct plan_choice *choice, const char *text, struct error *err) MUST_USE;

// Puts the configuration on disk, picks the current generation of each overlay or the one that
// `choice` (may be NULL) names, drops config generations nobody uses. *ret_is_applied: the broker
// has exactly this already.
int plan_make(struct instance_stack *ret, bool *ret_is_applied, const struct plan_server *server,
              const struct plan_choice *choice, struct error *err) MUST_USE;

// What the instance runs on, or else the next boot would start. *ret_is_there is false if it was
// never started.
int plan_base(struct instance_stack *ret, bool *ret_is_there, const struct host_paths *paths,
              const struct instance_name *name, struct error *err) MUST_USE;
// Adds a word for everything that a start now would change against `base`. Writes nothing.
int plan_compare(struct strings *ret, const struct plan_server *server,
                 const struct instance_stack *base, struct error *err) MUST_USE;
