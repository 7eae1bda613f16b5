// SPDX-License-Identifier: MIT
#pragma once

// child: runs one program, reads what it prints line by line, and can be told to stop.
//
// The program gets a terminal for its output when there is one to be had, since SteamCMD holds back
// what it prints to a pipe until 4 KiB have come together; its input is /dev/null, its process
// group its own. When we are told to stop, the group is, and killed if it is still there after
// CHILD_STOP_MS. Orphans are reaped, as we may be PID 1 of our namespace.

#include "base/error.h"
#include "steam/lines.h"

#define CHILD_STOP_MS 5000

struct child_spec {
    const char        *program; // a path
    const char *const *argv;    // NULL-terminated, argv[0] included
    const char *const *envp;    // likewise
    const char        *dir;     // its working directory
};

struct child_result {
    int  code;       // its exit code, -1: it died of a signal
    int  signal;     // that signal, or 0
    bool is_stopped; // because we were told to
};

// Blocks SIGTERM, SIGINT and SIGCHLD for the calling thread and returns the descriptor that reports
// them. From then on nobody else may wait for children of this process.
int child_signals_open(int *ret, struct error *err) MUST_USE;

int child_run(struct child_result *ret, const struct child_spec *spec, int signals_fd,
              lines_take *take, void *user, struct error *err) MUST_USE;
