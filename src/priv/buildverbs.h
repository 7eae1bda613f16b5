// SPDX-License-Identifier: MIT
#pragma once

// buildverbs: what the broker does for builds. Each is a row of the table in verbs.c, which has
// checked the request before.

#include "priv/call.h"

int build_start(struct call *call, struct error *err) MUST_USE;
int build_stop(struct call *call, struct error *err) MUST_USE;
int build_publish(struct call *call, struct error *err) MUST_USE;
int build_remove(struct call *call, struct error *err) MUST_USE;
