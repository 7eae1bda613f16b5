// SPDX-License-Identifier: MIT
#pragma once

// call: one request while it is carried out, and what the verbs of instances and of builds have in
// common.

#include "base/protocol.h"
#include "priv/bus.h"
#include "priv/unit.h"

struct call {
    const union request *request;
    struct bus          *bus;
    struct reply        *reply;
    int                  list_fd; // of instance-edit; borrowed
    int                  lock_fd; // -1, or what lock_take() gave; let go of when the verb has ended
};

// Whether nothing of the unit runs, is starting or is about to.
int call_is_over(struct bus *bus, struct unit_name unit, bool *ret, struct error *err) MUST_USE;
// Stops the unit and waits until it is.
int call_stop_wait(struct bus *bus, struct unit_name unit, struct error *err) MUST_USE;
// Puts what a mount helper's unit mounts up and down again: the helper takes away what a killed one
// left, also when it cannot put up the new one.
int call_clear_mount(struct bus *bus, struct unit_name mount, struct error *err) MUST_USE;
