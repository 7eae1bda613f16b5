// SPDX-License-Identifier: MIT
#pragma once

// update: brings an installation to what the depots hold, touching only what differs.

#include "steamcmd.h"

// Installs or updates the app for the session's platform. With `is_validating` files are compared
// by content, else by size and time. `fault` (may be empty) is obeyed half-way.
// Returns what app_update printed last: 0, or the process's exit code.
int update_run(const struct session *session, bool is_validating, const char *fault);

unsigned update_build(const struct session *session); // of the depots; 0: there are none
