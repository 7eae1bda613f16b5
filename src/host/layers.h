// SPDX-License-Identifier: MIT
#pragma once

// layers: finds the layers of a server on disk, for explain/layers.h to look at.

#include "explain/layers.h"
#include "host/paths.h"

// Opens the layers of `stack`; *ret is owned. One that cannot be opened stays in it, unreadable.
int layers_open(struct layers **ret, const struct host_paths *paths,
                const struct instance_name *name, const struct instance_stack *stack,
                struct error *err) MUST_USE;
// One generation of an overlay by itself. ERROR_NOT_FOUND: there is none of that number.
int layers_open_generation(struct layers **ret, const struct host_paths *paths,
                           struct layer_ref ref, struct error *err) MUST_USE;
