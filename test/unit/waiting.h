// SPDX-License-Identifier: MIT
#pragma once

// waiting: whether a process waits for a lock. The kernel tells nobody when one begins to.

#include "unit.h"

// Whether the kernel has it among those that wait: "1: -> FLOCK ADVISORY WRITE PID".
static inline bool is_waiting_for_lock(pid_t process)
{
    FILE *locks = fopen("/proc/locks", "re");
    char  line[256];
    bool  is_there = false;
    int   pid;

    assert_non_null(locks);
    while (fgets(line, sizeof line, locks))
        if (sscanf(line, "%*[0-9]: -> FLOCK ADVISORY WRITE %d", &pid) == 1 && pid == process)
            is_there = true;
    (void)fclose(locks);
    return is_there;
}
