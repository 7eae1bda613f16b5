// SPDX-License-Identifier: MIT
#include "players.h"

#include "base/macros.h"
#include "loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct players {
    unsigned      max;
    unsigned      n;
    unsigned      n_connects;
    unsigned      last_user_id;
    struct player list[PLAYERS_MAX];
};

struct players *players_new(unsigned max)
{
    struct players *players = calloc(1, sizeof *players);

    if (players) {
        players_set_max(players, max);
        players->last_user_id = 1; // the server itself
    }
    return players;
}

struct players *players_free(struct players *players)
{
    free(players);
    return NULL;
}

unsigned players_max(const struct players *players)
{
    return players->max;
}

void players_set_max(struct players *players, unsigned max)
{
    players->max = MAX(1u, MIN(max, PLAYERS_MAX));
}

unsigned players_count(const struct players *players, bool is_bot)
{
    unsigned count = 0;

    for (unsigned i = 0; i < players->n; i++)
        count += players->list[i].is_bot == is_bot;
    return count;
}

unsigned players_connects(const struct players *players)
{
    return players->n_connects;
}

const struct player *players_at(const struct players *players, size_t i)
{
    return i < players->n ? &players->list[i] : NULL;
}

const struct player *players_find(const struct players *players, const char *who)
{
    char id[16];

    who += *who == '#';
    for (unsigned i = 0; i < players->n; i++) {
        const struct player *player = &players->list[i];
        snprintf(id, sizeof id, "%u", player->user_id);
        if (strcmp(id, who) == 0 || strcasecmp(player->name, who) == 0 ||
            strcmp(player->steam_id, who) == 0)
            return player;
    }
    return NULL;
}

const struct player *players_add(struct players *players, const char *name, bool is_bot)
{
    if (players->n == players->max)
        return NULL;

    struct player *player = &players->list[players->n++];
    unsigned       id = ++players->last_user_id;
    *player = (struct player){
        .user_id = id, .is_bot = is_bot, .joined_us = loop_now_us(), .ping_ms = is_bot ? 0 : 50
    };
    for (player->slot = 1;; player->slot++) {
        bool is_taken = false;
        for (unsigned i = 0; i + 1 < players->n; i++)
            is_taken |= players->list[i].slot == player->slot;
        if (!is_taken)
            break;
    }
    snprintf(player->name, sizeof player->name, "%s", name);
    snprintf(player->steam_id, sizeof player->steam_id, is_bot ? "BOT" : "STEAM_1:%u:%u", id % 2,
             1000000 + id);
    snprintf(player->address, sizeof player->address, is_bot ? "none" : "198.51.100.%u:27005",
             id % 254 + 1);
    players->n_connects += !is_bot;
    return player;
}

static struct player *find_by_id(struct players *players, unsigned user_id)
{
    for (unsigned i = 0; i < players->n; i++)
        if (players->list[i].user_id == user_id)
            return &players->list[i];
    return NULL;
}

void players_set_joining(struct players *players, unsigned user_id, bool is_joining)
{
    struct player *player = find_by_id(players, user_id);

    if (player)
        player->is_joining = is_joining;
}

void players_remove(struct players *players, unsigned user_id)
{
    struct player *player = find_by_id(players, user_id);

    if (!player)
        return;
    size_t n_behind = (size_t)(players->list + players->n - player - 1);
    memmove(player, player + 1, n_behind * sizeof *player);
    players->n--;
}
