// SPDX-License-Identifier: MIT
#pragma once

// programs: children of the server. Tests use them to act from inside its sandbox, and the crash
// handler forks one that looks at its parent.

#include "base/error.h"
#include "game.h"

#define PROGRAMS_MAX 64u

struct programs;

struct programs *programs_new(struct game *game);          // NULL: no memory
struct programs *programs_free(struct programs *programs); // kills what still runs

// Starts `argv` with our standard output and error; "[sim] run exited N" or "[sim] run killed by
// signal N" follows on the console.
int programs_run(struct programs *programs, char *const argv[], struct error *err) MUST_USE;

// Breakpad's child: attaches to its parent and lets it go again. "[sim] crash reporter: ptrace:
// ok", or the name of the error instead of ok, follows on standard output.
void programs_start_breakpad(struct programs *programs);

void programs_reap(struct programs *programs); // on SIGCHLD
