// SPDX-License-Identifier: MIT
#include "store/playing.h"

#include <assert.h>
#include <string.h>
#include "store/change.h"

// ---- looking ----------------------------------------------------------------------------------

int playing_find(struct playing *ret, struct database *db, int64_t server, struct error *err)
{
    static const struct query query = QUERY("SELECT n_humans, n_bots, n_max, has_names, map "
                                            "FROM live_players WHERE server = :server");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    ret->n_humans = (unsigned)statement_number(&row, 0);
    ret->n_bots = (unsigned)statement_number(&row, 1);
    ret->n_max = (unsigned)statement_number(&row, 2);
    ret->has_names = statement_number(&row, 3);
    return statement_copy(&row, 4, ret->map, sizeof ret->map, err) < 0 ? -1 : 1;
}

#define COLUMNS "id, player, name, score, joined_unix_s, left_unix_s"

int playing_open_begin(struct statement *ret, struct database *db, int64_t server,
                       struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM player_sessions WHERE server = :server AND "
              "left_unix_s IS NULL ORDER BY joined_unix_s, id");

    if (statement_begin(ret, db, &query, err) < 0)
        return -1;
    statement_bind_number(ret, ":server", server);
    return 0;
}

int playing_past_begin(struct statement *ret, struct database *db, int64_t server, int64_t before,
                       struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM player_sessions "
              "WHERE server = :server AND id < :before ORDER BY id DESC");

    if (statement_begin(ret, db, &query, err) < 0)
        return -1;
    statement_bind_number(ret, ":server", server);
    statement_bind_number(ret, ":before", before);
    return 0;
}

int playing_next(struct playing_session *ret, struct statement *row, struct error *err)
{
    int r = statement_next(row, err);

    if (r <= 0)
        return r;
    ret->id = statement_number(row, 0);
    ret->player = statement_number(row, 1);
    ret->one.score = (int32_t)statement_number(row, 3);
    ret->one.joined_unix_s = statement_number(row, 4);
    ret->left_unix_s = statement_number(row, 5);
    return statement_copy(row, 2, ret->one.name, sizeof ret->one.name, err) < 0 ? -1 : 1;
}

// ---- sessions ---------------------------------------------------------------------------------

static int add_session(struct database *db, int64_t server, const struct playing_player *player,
                       struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO player_sessions (server, name, score, joined_unix_s) "
              "VALUES (:server, :name, :score, :joined)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_text(&row, ":name", player->name);
    statement_bind_number(&row, ":score", player->score);
    statement_bind_number(&row, ":joined", player->joined_unix_s);
    return statement_run(&row, err);
}

static int set_score(struct database *db, int64_t session, int32_t score, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE player_sessions SET score = :score WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":score", score);
    statement_bind_number(&row, ":id", session);
    return statement_run(&row, err);
}

static int end_session(struct database *db, int64_t session, int64_t left_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE player_sessions SET left_unix_s = max(joined_unix_s, :left) WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":left", left_unix_s);
    statement_bind_number(&row, ":id", session);
    return statement_run(&row, err);
}

// Who are seen, those of whom a session is found, and whether anything is written.
struct seen {
    struct database             *db;
    int64_t                      server, now_unix_s;
    const struct playing_player *list;
    unsigned                     n_list;
    bool                         is_found[PLAYING_NAMES_MAX];
    bool                         is_new;
};

// The one whose session it is; NULL: he is gone. How long somebody has been there is told by the
// game in its own time, so that it comes out a little different each time.
static const struct playing_player *find_player(struct seen                  *seen,
                                                const struct playing_session *session)
{
    for (unsigned i = 0; i < seen->n_list; i++) {
        const struct playing_player *player = &seen->list[i];
        if (seen->is_found[i] || strcmp(player->name, session->one.name) != 0 ||
            player->joined_unix_s > session->one.joined_unix_s + PLAYING_AGAIN_S)
            continue;
        seen->is_found[i] = true;
        return player;
    }
    return NULL;
}

static int take_session(struct seen *seen, const struct playing_session *session, struct error *err)
{
    const struct playing_player *player = find_player(seen, session);

    if (player && player->score == session->one.score)
        return 0;
    seen->is_new = true;
    return player ? set_score(seen->db, session->id, player->score, err)
                  : end_session(seen->db, session->id, seen->now_unix_s, err);
}

// There are no more of them than were seen the last time.
static int read_open(struct playing_session ret[PLAYING_NAMES_MAX], unsigned *ret_n,
                     struct database *db, int64_t server, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n = 0;
    int                                   r = playing_open_begin(&row, db, server, err);

    if (r == 0)
        while (n < PLAYING_NAMES_MAX && (r = playing_next(&ret[n], &row, err)) > 0)
            n++;
    *ret_n = n;
    return MIN(r, 0);
}

// They are all read before the first is changed.
static int take_sessions(struct seen *seen, struct error *err)
{
    struct playing_session sessions[PLAYING_NAMES_MAX];
    unsigned               n = 0;

    if (read_open(sessions, &n, seen->db, seen->server, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++)
        if (take_session(seen, &sessions[i], err) < 0)
            return -1;
    return 0;
}

static int add_sessions(struct seen *seen, struct error *err)
{
    for (unsigned i = 0; i < seen->n_list; i++) {
        if (seen->is_found[i] || !*seen->list[i].name)
            continue;
        seen->is_new = true;
        if (add_session(seen->db, seen->server, &seen->list[i], err) < 0)
            return -1;
    }
    return 0;
}

// ---- what a server says -----------------------------------------------------------------------

// The row changes if one of its values does.
static int put(unsigned *ret_n, struct database *db, int64_t server, const struct playing *playing,
               struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO live_players (server, n_humans, n_bots, n_max, map, has_names) "
              "VALUES (:server, :humans, :bots, :max, :map, :names) "
              "ON CONFLICT (server) DO UPDATE SET n_humans = excluded.n_humans, "
              "n_bots = excluded.n_bots, n_max = excluded.n_max, map = excluded.map, "
              "has_names = excluded.has_names WHERE (n_humans, n_bots, n_max, map, has_names) "
              "IS NOT (excluded.n_humans, excluded.n_bots, excluded.n_max, excluded.map, "
              "excluded.has_names)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_number(&row, ":humans", playing->n_humans);
    statement_bind_number(&row, ":bots", playing->n_bots);
    statement_bind_number(&row, ":max", playing->n_max);
    statement_bind_text(&row, ":map", playing->map);
    statement_bind_number(&row, ":names", playing->has_names);
    return statement_change(&row, ret_n, err);
}

// Lists of servers have the count and the map; the rest is of interest to who looks at that one.
static int note(struct database *db, int64_t server, bool is_of_server, bool is_new,
                struct error *err)
{
    if (is_of_server && change_note(db, CHANGE_SERVER, server, false, err) < 0)
        return -1;
    return is_new ? change_note(db, CHANGE_PLAYERS, server, false, err) : 0;
}

int playing_set(bool *ret_is_new, struct database *db, int64_t server,
                const struct playing *playing, const struct playing_player *list, unsigned n_list,
                int64_t now_unix_s, struct error *err)
{
    struct seen seen = { .db = db,
                         .server = server,
                         .now_unix_s = now_unix_s,
                         .list = list,
                         .n_list = MIN(n_list, PLAYING_NAMES_MAX) };
    unsigned    n = 0;

    assert(database_is_writing(db));
    if (put(&n, db, server, playing, err) < 0)
        return err->kind == ERROR_BUSY ? error_set(err, ERROR_NOT_FOUND, "there is no such server")
                                       : -1;
    if (playing->has_names && (take_sessions(&seen, err) < 0 || add_sessions(&seen, err) < 0))
        return -1;
    *ret_is_new = seen.is_new || n > 0;
    return note(db, server, n > 0, *ret_is_new, err);
}

int playing_forget(bool *ret_is_new, struct database *db, int64_t server, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM live_players WHERE server = :server");
    unsigned                  n = 0;

    assert(database_is_writing(db));
    if (database_run(db, &query, ":server", server, &n, err) < 0)
        return -1;
    *ret_is_new = n > 0;
    return note(db, server, n > 0, n > 0, err);
}

int playing_end(bool *ret_is_new, struct database *db, int64_t server, int64_t left_unix_s,
                struct error *err)
{
    static const struct query query =
        QUERY("UPDATE player_sessions SET left_unix_s = max(joined_unix_s, :left) "
              "WHERE server = :server AND left_unix_s IS NULL");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n = 0;
    bool                                  was_known = false;

    if (playing_forget(&was_known, db, server, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":left", left_unix_s);
    statement_bind_number(&row, ":server", server);
    if (statement_change(&row, &n, err) < 0)
        return -1;
    *ret_is_new = was_known || n > 0;
    return n > 0 && !was_known ? change_note(db, CHANGE_PLAYERS, server, false, err) : 0;
}
