// SPDX-License-Identifier: MIT
#pragma once

// instanceverbs: what the broker does for instances. Each is a row of the table in verbs.c, which
// has checked the request before.

#include "priv/call.h"

int instance_create(struct call *call, struct error *err) MUST_USE;
int instance_apply(struct call *call, struct error *err) MUST_USE;
int instance_start(struct call *call, struct error *err) MUST_USE;
int instance_stop(struct call *call, struct error *err) MUST_USE;
int instance_restart(struct call *call, struct error *err) MUST_USE;
int instance_kill(struct call *call, struct error *err) MUST_USE;
int instance_wipe(struct call *call, struct error *err) MUST_USE;
int instance_edit(struct call *call, struct error *err) MUST_USE;
int instance_remove(struct call *call, struct error *err) MUST_USE;
int instance_status(struct call *call, struct error *err) MUST_USE;
