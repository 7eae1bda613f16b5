// SPDX-License-Identifier: MIT
#pragma once

// shield: what a script may not ask of the kernel, because the guard could not hold it to its
// limits then.
//
// A filter of system calls for the calling process and all it starts, on top of the unit's, which
// cannot look at arguments: disk space that is taken in one call (preallocation by any of its
// names), what keeps a removed file out of sight, what hands a file to another build, and whatever
// changes the process that watches, which has the same user. Where that one is no process 1, it
// could also be stopped by a signal.

#include <sys/types.h>
#include "base/error.h"

#define SHIELD_TASKS_MAX 8u

struct shield {
    pid_t    watcher; // process that is not to be touched
    bool     is_init; // it is process 1, and the kernel keeps signals away from it
    unsigned n_tasks;
    pid_t    tasks[SHIELD_TASKS_MAX]; // of the watcher: a number of a task names its process, too
};

// Collects what is to be known of the calling process. Its tasks have all been started.
int shield_init(struct shield *ret, struct error *err) MUST_USE;
// Returns -1 with errno. Only makes system calls, so it may come after fork(2).
int shield_raise(const struct shield *shield);
