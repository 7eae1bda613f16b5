// SPDX-License-Identifier: MIT
#pragma once

// rcon: the remote console on TCP, with every peculiarity of srcds.
//
// - The listener opens when rcon_password gets its first value, that is in server.cfg.
// - Writing rcon_password, also to the same value, closes every session at once: an answer that
//   was on its way is lost.
// - A good login is answered by an empty value packet and then the login's own answer; a bad one,
//   and a command before a login, by an answer with id -1.
// - Long answers are cut into packets of about 4,000 bytes. An empty value packet is mirrored, and
//   followed by one whose body is 00 00 00 01 00 00 00 00.
// - Failures in the sense of sv_rcon_* lead to an address ban; who is banned is hung up on.
// Source: Valve developer wiki, "Source RCON Protocol".

#include "base/error.h"
#include "game.h"
#include <stdbool.h>

#define RCON_SESSIONS_MAX 64u
#define RCON_BACKLOG_MAX  (2u * 1024 * 1024) // unread answer bytes that cost a reader its session

struct rcon;

int          rcon_new(struct rcon **ret, struct game *game, struct error *err) MUST_USE;
struct rcon *rcon_free(struct rcon *rcon);

// While a map loads nothing is accepted, read or answered.
void rcon_set_paused(struct rcon *rcon, bool is_paused);
