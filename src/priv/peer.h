// SPDX-License-Identifier: MIT
#pragma once

// peer: who is at the other end of a socket.

#include "base/error.h"

// Root or left4me may go on; everybody else is ERROR_DENIED. The kernel vouches for the answer.
int peer_check(int fd, struct error *err) MUST_USE;
// Only root may go on.
int peer_is_root(int fd, struct error *err) MUST_USE;
