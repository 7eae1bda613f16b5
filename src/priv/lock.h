// SPDX-License-Identifier: MIT
#pragma once

// lock: one command at a time for one instance, or for builds as a whole.
//
// Locks are flock(2) on files in a root-only directory on tmpfs: a killed broker lets go of them,
// but for one it handed on to left4me-tidy, which lets go when its work has ended.

#include "base/error.h"

// ERROR_BUSY when somebody else holds it. *ret is a descriptor; closing it lets go.
int lock_take(int *ret, const char *name, struct error *err) MUST_USE;
