// SPDX-License-Identifier: MIT
#pragma once

// process: a child of ours with nothing of ours but what it is given.

#include <sys/types.h>
#include "base/error.h"

struct process {
    pid_t pid;
    int   pid_fd, output_fd, error_fd; // ours, not blocking
};

// Starts `program` with `argv` in a process group of its own, with a bare environment and no signal
// blocked or ignored. `input` may be NULL. It is up to the caller to reap it.
int process_start(struct process *ret, const char *program, const char *const *argv,
                  const void *input, size_t n_input, struct error *err) MUST_USE;
