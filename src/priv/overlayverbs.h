// SPDX-License-Identifier: MIT
#pragma once

// overlayverbs: the verbs of the broker that are about an overlay as a whole: overlay-create and
// overlay-remove. Rows of the table in verbs.c.

#include "priv/call.h"

// Held while a stack is written down, and while an overlay is asked for its users and given up.
#define OVERLAYVERBS_TURN ".overlays" // cannot be an instance's name

int overlay_create(struct call *call, struct error *err) MUST_USE;
int overlay_remove(struct call *call, struct error *err) MUST_USE;
