// SPDX-License-Identifier: MIT
#pragma once

// plan: what the next start of a server will run, made ready for the broker.

#include "host/instance.h"
#include "host/paths.h"

// Puts the configuration on disk, picks the current generation of each overlay, drops config
// generations nobody uses. *ret_is_applied: the broker has exactly this already.
// `instance_fd` is the instance's directory, locked by the caller.
int plan_make(struct instance_stack *ret, bool *ret_is_applied, const struct host_paths *paths,
              const struct instance_name *name, int instance_fd, const struct instance *instance,
              struct error *err) MUST_USE;

// Adds a word for everything that a start now would change against `base`. Writes nothing.
int plan_compare(struct strings *ret, const struct host_paths *paths,
                 const struct instance_name *name, int instance_fd, const struct instance *instance,
                 const struct instance_stack *base, struct error *err) MUST_USE;
