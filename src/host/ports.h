// SPDX-License-Identifier: MIT
#pragma once

// ports: who on this machine listens already.

#include "host/instance.h"
#include "host/paths.h"

// Fails with ERROR_BUSY, naming port and protocol, if a socket of this machine is bound to a port
// the instance needs: UDP for all three, TCP (RCON) for the game port.
int ports_check_free(const struct host_paths *paths, const struct instance *instance,
                     struct error *err) MUST_USE;
// True if a line of /proc/net/{udp,tcp}* in `bytes` is bound to `port`; listeners only for TCP.
bool ports_is_bound(const char *bytes, size_t n_bytes, uint16_t port, bool is_tcp);
