// SPDX-License-Identifier: MIT
#pragma once

// a2s: what a game server is asked by a datagram, and what it answers. Knows no sockets.
// Source: Valve developer wiki, "Server queries".

#include <stdint.h>
#include "base/error.h"

#define A2S_ASK_MAX      32u
#define A2S_DATAGRAM_MAX 1400u // the game sends none that is larger
#define A2S_TEXT_MAX     128u  // of a text that is kept, the NUL included
#define A2S_PLAYERS_MAX  255u  // a byte counts them
#define A2S_SECONDS_MAX  (10u * 365 * 86400)

enum a2s_kind {
    A2S_CHALLENGE, // ask again with it: so nobody asks in another one's name
    A2S_INFO,
    A2S_PLAYERS,
    A2S_PART, // of an answer that is too long for one datagram
};

struct a2s_player {
    char     name[A2S_TEXT_MAX]; // safe to show; "": he is about to join
    int32_t  score;
    uint32_t seconds; // that he has been there
};

struct a2s_answer {
    enum a2s_kind     kind;
    uint32_t          challenge;
    char              name[A2S_TEXT_MAX], map[A2S_TEXT_MAX]; // safe to show
    unsigned          players, players_max, bots;            // the first includes the last
    unsigned          n_list;                                // who they are, bots as well
    struct a2s_player list[A2S_PLAYERS_MAX];
};

// Asks how a server is. `challenge` may be NULL. Returns the length.
size_t a2s_ask(uint8_t ret[A2S_ASK_MAX], const uint32_t *challenge);
// The same of who plays on it.
size_t a2s_ask_players(uint8_t ret[A2S_ASK_MAX], const uint32_t *challenge);
// Reads one datagram. Fails with ERROR_INVALID on what is no such answer, or is cut.
int a2s_read(struct a2s_answer *ret, const void *bytes, size_t n, struct error *err) MUST_USE;
