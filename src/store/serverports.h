// SPDX-License-Identifier: MIT
#pragma once

// serverports: which server has which ports. For src/store alone.

#include "store/server.h"

// Fills in what is 0 in *ports: the game's is the first of the range that is free with the others.
int server_ports_complete(struct server_ports *ports, struct database *db, struct error *err)
    MUST_USE;
// Gives them to a server, instead of those that it has. ERROR_BUSY: another one has one of them.
int server_ports_put(struct database *db, int64_t server, const struct server_ports *ports,
                     struct error *err) MUST_USE;
