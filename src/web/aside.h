// SPDX-License-Identifier: MIT
#pragma once

// aside: what waits for a disk, or takes a processor for long, on threads beside the loop.
//
// A task is handed over with its memory. A thread runs `work`, which touches nothing but the task;
// then the loop runs `done`, and `drop`. Whoever waited for it and is gone is forgotten: what has
// not begun by then is dropped, and for what has, `done` finds that nobody waits.
//
// What has waited for longer than it may is not worked on: what was true when it was asked for, as
// what its user may do, need not be true any more.
//
// There are as many tasks as there may be, and one more is ERROR_BUSY: what is asked for faster
// than it is done does not pile up. One user takes neither all of them, nor all threads: what he
// waits for may be long in coming, a lock as much as a disk.

#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/error.h"

#define ASIDE_THREADS_MAX 8u

struct aside;

// The beginning of whatever a task has to know.
struct aside_task {
    void (*work)(struct aside_task *task);
    void (*done)(struct aside_task *task);
    void (*drop)(struct aside_task *task); // frees it
    const void *waiter;                    // whom aside_forget() names; NULL: he is forgotten
    int64_t     user;                      // whose it is; 0: nobody's, for whom no limit is
    bool        is_late;                   // for `done`: it was not worked on

    struct aside_task *next; // aside's own, and so is all below
    enum { ASIDE_WAITING, ASIDE_WORKING, ASIDE_DONE } stage;
    uint64_t came_ms;
};

struct aside_limits {
    unsigned threads; // that work side by side
    unsigned tasks;   // that are waiting or worked on
    unsigned of_user; // of those, of one user; 0: any number
    unsigned at_once; // of those, that are worked on; 0: any number
    unsigned wait_ms; // until one is worked on; 0: any time
};

// `busy` is what whoever comes when it is full is told: a sentence, borrowed.
int aside_open(struct aside **ret, sd_event *event, const struct aside_limits *limits,
               const char *busy, struct error *err) MUST_USE;
// After what is worked on; nobody is called any more. Takes NULL, returns NULL.
struct aside *aside_close(struct aside *aside);
void          aside_closep(struct aside **aside);

// Takes the task, even if it fails.
int  aside_run(struct aside *aside, struct aside_task *task, struct error *err) MUST_USE;
void aside_forget(struct aside *aside, const void *waiter);
