// SPDX-License-Identifier: MIT
#include "web/shown.h"

#include <errno.h>
#include <string.h>
#include "overlay/type.h"
#include "store/grant.h"

json_t *shown_grants(unsigned may)
{
    json_t *words = json_array();

    for (unsigned i = 0; i < GRANT_WORDS; i++)
        if (may & 1u << i)
            (void)json_array_append_new(words, json_string(grant_word(i))); // absent without memory
    return words;
}

json_t *shown_person(int64_t id, const char *name)
{
    return id ? json_pack("{s:I, s:s}", "id", (json_int_t)id, "name", name) : json_null();
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : json_null();
}

// ---- servers ----------------------------------------------------------------------------------

static json_t *row_json(const struct server *server)
{
    return json_pack(
        "{s:I, s:s, s:s, s:o, s:o, s:o, s:s, s:{s:i, s:i, s:i}, s:s, s:o, s:I, s:I, s:I}", "id",
        (json_int_t)server->id, "instance", server->instance, "name", server->name, "owner",
        shown_person(server->owner, server->owner_name), "blueprint",
        shown_person(server->blueprint, server->blueprint_name), "overlay",
        number_or_null(server->overlay), "hostname", server->hostname, "ports", "game",
        (int)server->ports.game, "client", (int)server->ports.client, "tv", (int)server->ports.tv,
        "wanted", server->is_wanted ? "running" : "stopped", "may", shown_grants(server->may),
        "revision", (json_int_t)server->revision, "created", (json_int_t)server->created_unix_s,
        "changed", (json_int_t)server->changed_unix_s);
}

// What is pending, and how it ended, stand in the status.
static int add_live(json_t *json, const struct live *live, bool has_status)
{
    json_t *status = *live->status ? json_loads(live->status, 0, NULL) : NULL;
    json_t *pending = json_object_get(status, "pending");
    json_t *exit = json_object_get(json_object_get(status, "last_exit"), "explain");
    int64_t since_unix_s = live->changed_us / 1000000;

    int r = json_object_update_new(
        json, json_pack("{s:s, s:o, s:o, s:o}", "state", live_state_word(live->state), "since",
                        number_or_null(since_unix_s), "pending",
                        json_is_array(pending) ? json_incref(pending) : json_array(), "exit",
                        json_is_string(exit) ? json_incref(exit) : json_null()));
    if (has_status)
        r |= json_object_set(json, "status", status ? status : json_null());
    json_decref(status);
    return r;
}

// How many play: null, if it is not known.
static int add_count(json_t *json, struct database *db, int64_t server, struct error *err)
{
    struct playing playing;
    int            r = playing_find(&playing, db, server, err);

    if (r < 0)
        return -1;
    json_t *count =
        r ? json_pack("{s:i, s:i, s:i, s:s}", "n", (int)playing.n_humans, "bots",
                      (int)playing.n_bots, "max", (int)playing.n_max, "map", playing.map)
          : json_null();
    return json_object_set_new(json, "players", count) < 0
               ? error_sys(err, ENOMEM, "showing a server")
               : 0;
}

int shown_server(json_t **ret, struct database *db, const struct server *server, bool has_status,
                 struct error *err)
{
    AUTO(live_done) struct live live = { 0 };
    json_t                     *json;

    if (live_find(&live, db, server->id, err) < 0)
        return -1;
    json = row_json(server);
    if (!json || add_live(json, &live, has_status) < 0)
        (void)error_sys(err, ENOMEM, "showing a server");
    else if (add_count(json, db, server->id, err) == 0) {
        *ret = json;
        return 0;
    }
    json_decref(json);
    return -1;
}

// ---- players ----------------------------------------------------------------------------------

static int add_names(json_t *rows, struct database *db, int64_t server, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    struct playing_session                session;
    int                                   r;

    if (playing_open_begin(&row, db, server, err) < 0)
        return -1;
    while ((r = playing_next(&session, &row, err)) > 0)
        if (json_array_append_new(rows, json_pack("{s:s, s:i, s:I}", "name", session.one.name,
                                                  "score", (int)session.one.score, "since",
                                                  (json_int_t)session.one.joined_unix_s)) < 0)
            return error_sys(err, ENOMEM, "showing players");
    return r;
}

static json_t *unknown_json(int64_t server)
{
    return json_pack("{s:I, s:b, s:n, s:n, s:n, s:n, s:n}", "server", (json_int_t)server, "known",
                     0, "n", "bots", "max", "map", "players");
}

int shown_players(json_t **ret, struct database *db, int64_t server, struct error *err)
{
    AUTO(json_decrefp) json_t *names = json_array();
    struct playing             playing;
    int                        r = playing_find(&playing, db, server, err);

    if (r < 0 || (r && playing.has_names && add_names(names, db, server, err) < 0))
        return -1;
    *ret = r ? json_pack("{s:I, s:b, s:i, s:i, s:i, s:s, s:O?}", "server", (json_int_t)server,
                         "known", 1, "n", (int)playing.n_humans, "bots", (int)playing.n_bots, "max",
                         (int)playing.n_max, "map", playing.map, "players",
                         playing.has_names ? names : NULL)
             : unknown_json(server);
    return *ret ? 0 : error_sys(err, ENOMEM, "showing players");
}

// ---- blueprints -------------------------------------------------------------------------------

static json_t *overlays_json(const struct blueprint *blueprint)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < blueprint->n_overlays; i++) {
        const struct blueprint_overlay *overlay = &blueprint->overlays[i];
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:s, s:s, s:b}", "id", (json_int_t)overlay->overlay, "name",
                            overlay->name, "type", overlay_type_word(overlay->type),
                            "expose_server_cfg", (int)overlay->exposes_server_cfg)); // absent then
    }
    return rows;
}

json_t *shown_blueprint(const struct blueprint *blueprint)
{
    json_t *limits = json_pack("{s:o, s:o, s:o}", "memory_bytes",
                               number_or_null((int64_t)blueprint->memory_bytes), "cpu_percent",
                               number_or_null(blueprint->cpu_percent), "tasks",
                               number_or_null(blueprint->tasks));

    return json_pack("{s:I, s:s, s:o, s:o, s:s, s:o, s:o, s:b, s:i, s:o, s:I, s:I, s:I}", "id",
                     (json_int_t)blueprint->id, "name", blueprint->name, "owner",
                     shown_person(blueprint->owner, blueprint->owner_name), "arguments",
                     json_loads(blueprint->arguments, 0, NULL), "config", blueprint->config,
                     "overlays", overlays_json(blueprint), "limits", limits, "shared",
                     (int)blueprint->is_shared, "n_servers", (int)blueprint->n_servers, "may",
                     shown_grants(blueprint->may), "revision", (json_int_t)blueprint->revision,
                     "created", (json_int_t)blueprint->created_unix_s, "changed",
                     (json_int_t)blueprint->changed_unix_s);
}

// ---- overlays ---------------------------------------------------------------------------------

// Its row, borrowed. NULL: the host does not have it.
static json_t *find_row(const json_t *list, int64_t overlay)
{
    const json_t *rows = json_object_get(list, "overlays");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        if (json_integer_value(json_object_get(row, "overlay")) == overlay)
            return row;
    }
    return NULL;
}

json_t *shown_overlay(const struct owned_overlay *overlay, const json_t *list)
{
    return json_pack(
        "{s:I, s:s, s:s, s:o, s:b, s:b, s:o, s:o, s:O?, s:I, s:I}", "id", (json_int_t)overlay->id,
        "name", overlay->name, "type", overlay_type_word(overlay->type), "owner",
        shown_person(overlay->owner, overlay->owner_name), "shared", (int)overlay->is_shared,
        "may_edit", (overlay->may & GRANT_FILES) != 0, "may", shown_grants(overlay->may), "server",
        number_or_null(overlay->server), "host", find_row(list, overlay->id), "created",
        (json_int_t)overlay->created_unix_s, "changed", (json_int_t)overlay->changed_unix_s);
}
