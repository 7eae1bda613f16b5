// SPDX-License-Identifier: MIT
#pragma once

// buildverbs: what the broker does for builds. Each is a row of the table in verbs.c, which has
// checked the request before.

#include "priv/call.h"

#define BUILDVERBS_LOCK ".builds" // of builds and overlays; cannot be an instance's name

int build_start(struct call *call, struct error *err) MUST_USE;
int build_stop(struct call *call, struct error *err) MUST_USE;
int build_publish(struct call *call, struct error *err) MUST_USE;
int build_remove(struct call *call, struct error *err) MUST_USE;

// Drops what earlier builds of the overlay left behind. Fails with ERROR_BUSY, and the number of
// the build in the reply, while one runs. The lock is held.
int buildverbs_collect(struct call *call, uint32_t overlay, struct error *err) MUST_USE;
