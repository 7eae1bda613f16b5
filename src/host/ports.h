// SPDX-License-Identifier: MIT
#pragma once

// ports: whether somebody on this machine has a port already that an instance needs.

#include "host/instance.h"
#include "host/paths.h"

// Fails with ERROR_BUSY, naming port and protocol, if a socket of this machine is bound to a port
// the instance needs: UDP for all three, TCP (RCON) for the game port.
int ports_check_free(const struct host_paths *paths, const struct instance *instance,
                     struct error *err) MUST_USE;
