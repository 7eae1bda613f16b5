// SPDX-License-Identifier: MIT
#pragma once

// verbs: everything that can be asked of the broker, and what it does about it.

#include "base/protocol.h"
#include "priv/bus.h"

// Checks the message of `n_bytes` and carries it out. `passed_fd` is the descriptor that came with
// it, borrowed, or -1. Fills *reply in every case. Returns -1 with
// ERROR_INVALID in *err when the message is malformed, which is the peer's fault and ends the
// connection; a request that merely fails is 0, with the failure in *reply.
int verbs_handle(struct reply *reply, const void *bytes, size_t n_bytes, int passed_fd,
                 struct bus *bus, struct error *err) MUST_USE;
