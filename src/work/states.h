// SPDX-License-Identifier: MIT
#pragma once

// states: what the init system says about our units, by signal, in the loop, without privilege.
//
// It tells of every unit whose name begins with one of the prefixes: of each that is there when it
// connects, of every change, and of those that go. A bus that goes away is connected again every
// second; then everything is told anew, and so it is every minute, should a signal have been lost.

#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/error.h"

#define STATES_WORD_MAX 32u

struct states;

struct states_unit {
    const char *prefix; // one of those given: "left4me-server@"
    const char *name;   // "s12"; borrowed during the call
    const char *active_state, *sub_state;
    uint64_t    since_us; // of the active state, since 1970; 0: not known
};

struct states_handler {
    // It has another state. Of one that is gone it is "inactive".
    void (*unit)(void *context, const struct states_unit *unit);
    // All that there are have been told: what was not among them is inactive.
    void (*complete)(void *context);
};

// `prefixes` ends with NULL; all is borrowed. A bus that is not there is no error.
int states_open(struct states **ret, sd_event *event, const char *bus_address,
                const char *const *prefixes, const struct states_handler *handler, void *context,
                struct error *err) MUST_USE;

struct states *states_close(struct states *states); // takes NULL, returns NULL
