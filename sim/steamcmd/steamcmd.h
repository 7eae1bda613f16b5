// SPDX-License-Identifier: MIT
#pragma once

// steamcmd: a stand-in for Valve's SteamCMD that installs app 222860 from `depot/` beside
// steamcmd.sh and says what the real one says.
//
// A file `fail` beside steamcmd.sh makes it fail: see faults.h.

#include "base/error.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define STEAMCMD_APP         "222860"
#define STEAMCMD_EXIT_FAILED 8 // what the real one returns for a failed app_update
#define STEAMCMD_EXIT_LOGIN  5

enum platform { PLATFORM_LINUX, PLATFORM_WINDOWS, PLATFORM_COUNT };

struct session {
    char          root[PATH_MAX];        // where steamcmd.sh is
    char          install_dir[PATH_MAX]; // empty: not given
    bool          is_shut_down_on_failure;
    bool          is_logged_in;
    enum platform platform;
};
