// SPDX-License-Identifier: MIT

// players: who plays on a server, and who did.

#include <inttypes.h>
#include "web/shown.h"
#include "web/api.h"

static int show_run(struct api_request *request, struct error *err)
{
    json_t *json = NULL;

    if (shown_players(&json, request->web->db, request->server->id, err) < 0)
        return -1;
    return api_answer(request, 200, json, err);
}

static json_t *session_json(const struct playing_session *session)
{
    json_t *player = session->player ? json_sprintf("%" PRId64, session->player) : json_null();
    json_t *left = session->left_unix_s ? json_integer(session->left_unix_s) : json_null();

    return json_pack("{s:I, s:s, s:o, s:i, s:I, s:o}", "id", (json_int_t)session->id, "name",
                     session->one.name, "player", player, "score", (int)session->one.score,
                     "joined", (json_int_t)session->one.joined_unix_s, "left", left);
}

static int history_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page   page = { 0 };
    AUTO(statement_done) struct statement row = { 0 };
    struct playing_session                session;
    int                                   r;

    if (api_page_begin(&page, request, "before", err) < 0 ||
        playing_past_begin(&row, request->web->db, request->server->id,
                           page.at ? page.at : INT64_MAX, err) < 0)
        return -1;
    while ((r = playing_next(&session, &row, err)) > 0 &&
           api_page_add(&page, session.id, session_json(&session)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "sessions", err);
}

static const struct route routes[] = {
    { HTTP_GET, "/servers/#/players", API_USER, TOKEN_READ, show_run, API_SERVER, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_GET, "/servers/#/players/history", API_USER, TOKEN_READ, history_run, API_SERVER,
      GRANT_VIEW, API_EMPTY, 0 },
};

const struct route_table player_routes = { routes, ELEMENTS(routes) };
