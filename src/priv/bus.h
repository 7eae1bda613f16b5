// SPDX-License-Identifier: MIT
#pragma once

// bus: the few things the broker asks of the init system, and of left4me-tidy.
//
// A table of functions, so that tests can put a recording fake in its place. Unit names come from
// unit.h alone. Every function fails with the init system's own sentence.

#include "priv/tidy.h"

struct bus_unit_state {
    char     active_state[24], sub_state[24], result[24];
    uint32_t main_pid;
};

struct bus {
    void *context;
    // Queue a job; *ret_job is its number. A unit that is already so gives a job that ends at once.
    int (*start)(void *context, const char *unit, uint32_t *ret_job, struct error *err);
    int (*stop)(void *context, const char *unit, uint32_t *ret_job, struct error *err);
    // From here on the ends of jobs are kept for await(), which comes after what it waits for was
    // queued and drops the ends of all others: one job at a time.
    int (*watch)(void *context, struct error *err);
    // Waits until the job has ended; anything but success is an error.
    int (*await)(void *context, const char *unit, uint32_t job, struct error *err);
    // SIGKILL to the main process of the unit; none there is success. What else runs there, the
    // init system ends after it. Killing the control group as a whole has been seen to kill the
    // first process of a start that follows at once.
    int (*kill)(void *context, const char *unit, struct error *err);
    int (*reset_failed)(void *context, const char *unit, struct error *err);
    int (*enable)(void *context, const char *unit, struct error *err);
    int (*disable)(void *context, const char *unit, struct error *err);
    int (*is_enabled)(void *context, const char *unit, bool *ret, struct error *err);
    int (*state)(void *context, const char *unit, struct bus_unit_state *ret, struct error *err);
    // Whether nothing of the unit runs, is starting or is about to: "inactive" or "failed".
    int (*is_over)(void *context, const char *unit, bool *ret, struct error *err);
    // Whether it is starting or ending and its main process has not told the init system anything
    // yet: in the sandbox that is being set up, nobody hears a signal.
    int (*is_silent)(void *context, const char *unit, bool *ret, struct error *err);
    // Whether somebody has set properties of the unit that are kept across reboots.
    int (*has_settings)(void *context, const char *unit, bool *ret, struct error *err);
    // Limits and the one TCP port it may bind, kept across reboots. `old` is what was set before,
    // or NULL: nobody knows. A limit that is gone goes back to what the unit file says.
    int (*set_limits)(void *context, const char *unit, const struct instance_limits *limits,
                      const struct instance_limits *old, uint16_t tcp_port, struct error *err);
    // Back to what the packages say: settings and drop-ins, the administrator's too, are removed.
    int (*revert)(void *context, const char *unit, struct error *err);
    // See tidy_ask().
    int (*tidy)(void *context, const struct tidy_request *request, int lock_fd, struct error *err);
};

// The system's bus. Connects at the first call that needs it.
struct bus *bus_system_new(void);
struct bus *bus_system_free(struct bus *bus); // takes NULL, returns NULL
void        bus_system_freep(struct bus **bus);
