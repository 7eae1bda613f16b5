// SPDX-License-Identifier: MIT
#pragma once

// playing: who plays on a server and who did, by what the game itself says.
//
// Each who is seen has a session: from when he joined until he is seen no more, or the server ends.
// It is by name, for that is all that the game tells everybody: a name is whatever a player likes,
// and a bot has one as well. Who plays now are the sessions that are open; a worker that is killed
// finds them again. A server that does not answer is not one without players: nothing is known of
// it, and its sessions stay open.

#include "store/database.h"

#define PLAYING_NAME_MAX  128u // bytes, the NUL included
#define PLAYING_MAP_MAX   128u // likewise
#define PLAYING_NAMES_MAX 255u
#define PLAYING_AGAIN_S   30 // who joined so much later than was known has come again

struct playing {
    unsigned n_humans, n_bots, n_max;
    char     map[PLAYING_MAP_MAX];
    bool     has_names; // who they are is known as well
};

struct playing_player {
    char    name[PLAYING_NAME_MAX]; // "": he is about to join
    int32_t score;
    int64_t joined_unix_s;
};

struct playing_session {
    int64_t               id;
    int64_t               player; // a Steam id; 0: not known
    struct playing_player one;
    int64_t               left_unix_s; // 0: not yet
};

// 1: it is known, 0: it is not.
int playing_find(struct playing *ret, struct database *db, int64_t server, struct error *err)
    MUST_USE;
// Those that are open, in the order of joining; 1: there is one, 0: no more.
int playing_open_begin(struct statement *ret, struct database *db, int64_t server,
                       struct error *err) MUST_USE;
// All of them before the session `before`, the newest first.
int playing_past_begin(struct statement *ret, struct database *db, int64_t server, int64_t before,
                       struct error *err) MUST_USE;
int playing_next(struct playing_session *ret, struct statement *row, struct error *err) MUST_USE;

// ---- as a part of a transaction ----------------------------------------------------------------

// *ret_is_new: it was not known already.

// What a server has said at `now`. `list` is looked at if there are names, up to
// PLAYING_NAMES_MAX. ERROR_NOT_FOUND: there is no such server.
int playing_set(bool *ret_is_new, struct database *db, int64_t server,
                const struct playing *playing, const struct playing_player *list, unsigned n_list,
                int64_t now_unix_s, struct error *err) MUST_USE;
// It says nothing any more.
int playing_forget(bool *ret_is_new, struct database *db, int64_t server, struct error *err)
    MUST_USE;
// It does not run any more, since `left`.
int playing_end(bool *ret_is_new, struct database *db, int64_t server, int64_t left_unix_s,
                struct error *err) MUST_USE;
