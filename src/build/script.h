// SPDX-License-Identifier: MIT
#pragma once

// script: runs a user's script, shows what it prints, holds it to its limits, and leaves nothing of
// it behind.
//
// Standard output comes out as lines of priority 6, standard error as lines of priority 4, each in
// the order it was written; between the two the order is that in which they arrived. Our own
// sentences have priority 5, and 3 for why a build failed. Processes that the script leaves are
// killed when it ends.

#include <stdint.h>
#include "base/error.h"

// Our own exit codes; every other one is the script's, 128 + N if a signal ended it.
enum script_exit {
    SCRIPT_FAILED = 121,  // it could not be started, or not be watched
    SCRIPT_BEYOND = 122,  // it went beyond a limit
    SCRIPT_STOPPED = 123, // SIGTERM or SIGINT
};

struct script_spec {
    const char *shell, *script;               // paths
    const char *overlay_dir, *cache_dir;      // together they count
    const char *tmp_dir;                      // its home as well
    uint64_t    output_max_bytes;             // of both
    uint64_t    free_min_bytes;               // of the disk; 0: as guard.h says
    uint64_t    log_lines_max, log_bytes_max; // that the script may print
    int         output_fd;                    // where lines go
};

#define SCRIPT_LOG_LINES_MAX UINT64_C(200000)
#define SCRIPT_LOG_BYTES_MAX (UINT64_C(64) << 20)

// To be called once, and before any thread is started: it takes over signals, children, and how
// others may look at this process. Returns the exit code.
int script_run(const struct script_spec *spec);
