// SPDX-License-Identifier: MIT
#pragma once

// unit: the only place where a request becomes the name of a unit: a constant prefix, a checked
// name or number, ".service".

#include "base/protocol.h"

#define UNIT_NAME_MAX 128u

struct unit_name {
    char text[UNIT_NAME_MAX];
};

struct unit_name unit_server(const struct instance_name *name);
struct unit_name unit_mount(const struct instance_name *name);
struct unit_name unit_edit(const struct instance_name *name);
// The unit that a build of this kind begins with: the publisher's when it has no builder.
struct unit_name unit_builder(enum build_kind kind, uint32_t build);
bool             unit_has_builder(enum build_kind kind);
struct unit_name unit_build_mount(uint32_t build);
struct unit_name unit_publish(uint32_t build);
// The unit of a log, as log_request_check() lets it through.
struct unit_name unit_of_log(enum log_source source, const struct instance_name *name);
