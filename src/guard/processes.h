// SPDX-License-Identifier: MIT
#pragma once

// processes: everything that was started by this process, directly or not, and is still there.
//
// Parents name their children in /proc, orphans become ours, and so all of them are found, by
// looking again also those that are started meanwhile. As process 1 of a process namespace one call
// signals everything in it.

#include <stdint.h>
#include <sys/types.h>
#include "base/error.h"
#include "guard/procfs.h"

#define PROCESSES_MAX 32768u

struct processes {
    int    proc_fd;
    pid_t  self;
    bool   is_init;
    pid_t  highest; // process number that was given out, if known
    size_t n;
    pid_t  list[PROCESSES_MAX];
};

// How much has run: equal before and after something else means that nothing did in between.
struct processes_motion {
    uint64_t n_tasks, switches, mix;
    bool     is_running; // something was at that very moment
};

// From then on orphans of ours become our children, also where we are not process 1.
int               processes_new(struct processes **ret, struct error *err) MUST_USE;
struct processes *processes_free(struct processes *processes); // takes NULL, returns NULL

// Makes `list` those that are there, without ourselves, whether or not they have just ended.
int processes_list(struct processes *processes, struct error *err) MUST_USE;
// Signals all of them. SIGKILL also reaches what they start meanwhile.
int processes_signal(struct processes *processes, int signal, struct error *err) MUST_USE;
// Of those in the list.
int  processes_motion(struct processes_motion *ret, const struct processes *processes,
                      struct error *err) MUST_USE;
bool processes_rested(const struct processes_motion *before, const struct processes_motion *after);
// Whether what is written to the file system of the directory counts as written by who writes it.
// In memory, and over a network, it does not. False also where that cannot be tried.
bool processes_are_counted(int dir_fd);
// How many bytes those in the list, and whom they have waited for, have written to such file
// systems. False: somebody does not let us see.
bool processes_written(uint64_t *ret, const struct processes *processes);
// How many of those in the list /proc does not show us; their children it does not name either.
uint32_t processes_count_hidden(const struct processes *processes);

// Reads the status file `path` below the directory `dir_fd` of /proc. 1: it was read; 0: there is
// no such process or task that could be seen.
int processes_status(struct procfs_status *ret, int dir_fd, const char *path, struct error *err)
    MUST_USE;
// Whether a process or task in that state has nothing open any more.
bool processes_has_ended(char state);

// Whether an error of looking into /proc means that the process, the task or the descriptor is not
// there any more.
bool processes_is_gone(int errnum);
// Opens `name` in the directory of the process in /proc. -1: it has ended, or does not let us.
int processes_open(const struct processes *processes, pid_t pid, const char *name, int flags);

// Shows each task of a process to `visit`, as a name in the directory `tasks_fd`. One that has
// ended has none; a failure of `visit` ends it.
typedef int processes_task(void *context, int tasks_fd, const char *name, struct error *err);
int processes_visit_tasks(const struct processes *processes, pid_t pid, processes_task *visit,
                          void *context, struct error *err) MUST_USE;
