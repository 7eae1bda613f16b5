// SPDX-License-Identifier: MIT
#pragma once

// stack: which generation of which overlay a server runs on: the one wanted now, the one applied,
// the one mounted, and the difference in words.

#include "host/instance.h"
#include "host/paths.h"

// What the next start of `instance` would use. Fails with ERROR_DENIED and the remedy when the
// game or an overlay has nothing published.
int stack_plan(struct instance_stack *ret, const struct host_paths *paths,
               const struct instance *instance, uint32_t config_generation, struct error *err)
    MUST_USE;

// Reads the broker's spec of an instance (what the next start runs), or the mount helper's record
// (what is mounted). *ret_is_there is false, and *ret zero, when there is none. A spec that is
// damaged or of another version counts as none, since the next start writes a new one, and
// *ret_is_damaged says so; a damaged record is ERROR_FAILED.
int stack_read_applied(struct instance_spec *ret, bool *ret_is_there, bool *ret_is_damaged,
                       const struct host_paths *paths, const struct instance_name *name,
                       struct error *err) MUST_USE;
int stack_read_mounted(struct instance_spec *ret, bool *ret_is_there,
                       const struct host_paths *paths, const struct instance_name *name,
                       struct error *err) MUST_USE;

bool stack_is_equal(const struct instance_stack *a, const struct instance_stack *b);
// Adds what differs: "overlay 3", "overlays" (another list), "config", "ports", "limits".
void stack_compare(struct strings *ret, const struct instance_stack *a,
                   const struct instance_stack *b);
