// SPDX-License-Identifier: MIT
#pragma once

// lock: one command at a time for one instance, or for builds as a whole; and whose turn it is to
// say whether a server shall run.
//
// Locks are flock(2) on files in a root-only directory on tmpfs: a killed broker lets go of them,
// but for one it handed on to left4me-tidy, which lets go when its work has ended.

#include "base/error.h"

// ERROR_BUSY with EWOULDBLOCK when somebody else holds it: worth another try. *ret is a descriptor;
// closing it lets go.
int lock_take(int *ret, const char *name, struct error *err) MUST_USE;

// Waits for its turn. Who holds one takes no other lock after it and waits for no game: the turn is
// for changing in one step whether the server `name` is enabled and what the init system is asked.
int lock_turn(int *ret, const char *name, struct error *err) MUST_USE;
