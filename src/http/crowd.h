// SPDX-License-Identifier: MIT
#pragma once

// crowd: how many connections each client has, as far as they count: those of a proxy do not.

#include "http/connection.h"

struct crowd *crowd_new(void); // NULL: out of memory
struct crowd *crowd_free(struct crowd *crowd);

// Whether one more of `address` is within the limit. If it is not, *ret_other is one of his that
// is of the least use to him, which can make room; NULL: there is none.
bool crowd_has_room(const struct crowd *crowd, const struct http_address *address, unsigned max,
                    struct connection **ret_other);
void crowd_add(struct crowd *crowd, struct connection *connection,
               const struct http_address *address);
void crowd_remove(struct crowd *crowd, struct connection *connection);
