// SPDX-License-Identifier: MIT
#pragma once

// query: the UDP sockets. Answers A2S on the game port under the engine's conditions: challenge,
// rate limit, silence towards 127.0.0.0/8, towards banned addresses and while a map loads.

#include "base/error.h"
#include "game.h"
#include <stdint.h>

struct query;

// Binds game, client, TV and one ephemeral port. With -strictportbind a taken game port is an
// error, without it the next free one is used.
int           query_new(struct query **ret, struct game *game, struct error *err) MUST_USE;
struct query *query_free(struct query *query);

uint16_t query_port(const struct query *query);
uint16_t query_client_port(const struct query *query);
uint16_t query_tv_port(const struct query *query); // 0: not bound
void     query_set_silent(struct query *query, bool is_silent);

struct query_traffic {
    double in_bytes_s; // since the last call
    double out_bytes_s;
};
void query_traffic(struct query *query, struct query_traffic *ret);
