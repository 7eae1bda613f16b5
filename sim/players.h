// SPDX-License-Identifier: MIT
#pragma once

// players: who is on the server. Nobody can join over the network; sim_join and sim_bot add them.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAYERS_MAX         31u // the engine's ceiling
#define PLAYERS_MAX_UNAIDED 8u  // without l4dtoolz

struct player {
    unsigned user_id;
    unsigned slot; // from 1
    bool     is_bot;
    bool     is_joining; // has no name yet for those who ask by A2S
    char     name[64];
    char     steam_id[32]; // "BOT" for a bot
    char     address[32];
    uint64_t joined_us;
    unsigned ping_ms;
    int32_t  score;
};

struct players;

struct players *players_new(unsigned max); // NULL: no memory
struct players *players_free(struct players *players);

unsigned players_max(const struct players *players);
void     players_set_max(struct players *players, unsigned max);
unsigned players_count(const struct players *players, bool is_bot);
unsigned players_connects(const struct players *players); // of humans, since the start
// In order of their slots; NULL behind the last.
const struct player *players_at(const struct players *players, size_t i);
// By user id ("12", "#12"), name or Steam id; NULL: nobody.
const struct player *players_find(const struct players *players, const char *who);

const struct player *players_add(struct players *players, const char *name,
                                 bool is_bot); // NULL: full
void players_set_joining(struct players *players, unsigned user_id, bool is_joining);
void players_remove(struct players *players, unsigned user_id);
