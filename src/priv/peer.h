// SPDX-License-Identifier: MIT
#pragma once

// peer: who is at the other end of a SOCK_SEQPACKET connection, and the one thing it says.

#include <stddef.h>
#include "base/error.h"

#define PEER_WITHIN_MS 5000 // a peer that says nothing is not kept

// Root or left4me may go on; everybody else is ERROR_DENIED. The kernel vouches for the answer.
int peer_check(int fd, struct error *err) MUST_USE;
// Only root may go on.
int peer_is_root(int fd, struct error *err) MUST_USE;

// Receives one message of at most `size` bytes; *ret_n is how many came, 0: the peer has left.
// A message that is longer, and one that does not come in PEER_WITHIN_MS, is an error.
// With `ret_passed` a descriptor may come along, owned, or -1; without, none is ever taken.
int peer_receive(int fd, void *ret, size_t size, size_t *ret_n, int *ret_passed, struct error *err)
    MUST_USE;
