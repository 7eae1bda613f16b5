// SPDX-License-Identifier: MIT
#include "store/serverports.h"

#include <inttypes.h>
#include "store/setting.h"

// Those that other servers than :server have, and those that they hold: what the host was told last
// is theirs there, and one that runs keeps what it was started with until it is started again, also
// by the init system if it is enabled.
#define PORTS(of) "'$." of "port', '$." of "tv_port', '$." of "client_port'"
#define HELD                                                                                       \
    "held (port) AS MATERIALIZED (SELECT port FROM server_ports WHERE server != :server "          \
    "UNION SELECT value FROM live_states, json_each(json_extract(status, " PORTS("") ", " PORTS(   \
        "mounted.") ")) WHERE server != :server AND value "                                        \
                    "UNION SELECT value FROM live_states, json_each(json_extract(status, " PORTS(  \
                        "applied.") ")) WHERE server != :server AND value AND "                    \
                                    "json_extract(status, '$.enabled')) "

// All three of such a game port are free.
static int find_free(uint16_t *ret, struct database *db, int64_t from, int64_t to,
                     struct error *err)
{
    static const struct query query =
        QUERY("WITH RECURSIVE " HELD ", candidates (port) AS (SELECT :from UNION ALL "
              "SELECT port + 1 FROM candidates WHERE port < :to) "
              "SELECT port FROM candidates WHERE NOT EXISTS (SELECT 1 FROM held WHERE "
              "held.port IN (candidates.port, candidates.port + :client, "
              "candidates.port + :tv)) LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", 0);
    statement_bind_number(&row, ":from", from);
    statement_bind_number(&row, ":to", to);
    statement_bind_number(&row, ":client", SERVER_CLIENT_OFFSET);
    statement_bind_number(&row, ":tv", SERVER_TV_OFFSET);
    int r = statement_next(&row, err);
    if (r == 0)
        return error_set(err, ERROR_BUSY,
                         "no port from %" PRIi64 " to %" PRIi64
                         " is free: an admin can set a wider range",
                         from, to);
    *ret = (uint16_t)statement_number(&row, 0);
    return MIN(r, 0);
}

static int choose(uint16_t *ret, struct database *db, struct error *err)
{
    int64_t from = 0, to = 0;

    if (setting_number(&from, db, SETTING_PORT_FROM, err) < 0 ||
        setting_number(&to, db, SETTING_PORT_TO, err) < 0)
        return -1;
    return find_free(ret, db, from, to, err);
}

int server_ports_complete(struct server_ports *ports, struct database *db, struct error *err)
{
    if (!ports->game && choose(&ports->game, db, err) < 0)
        return -1;
    bool is_near = ports->game < SERVER_PORT_MIN || ports->game > SERVER_PORT_MAX;
    if (is_near && (!ports->client || !ports->tv))
        return error_set(err, ERROR_INVALID, "the port is a number from %d to %d", SERVER_PORT_MIN,
                         SERVER_PORT_MAX);
    if (!ports->client)
        ports->client = (uint16_t)(ports->game + SERVER_CLIENT_OFFSET);
    if (!ports->tv)
        ports->tv = (uint16_t)(ports->game + SERVER_TV_OFFSET);
    return 0;
}

// It is no other server's any more, but still in use.
static int check_held(struct database *db, int64_t server, const char *kind, uint16_t port,
                      struct error *err)
{
    static const struct query query = QUERY("WITH " HELD "SELECT 1 FROM held WHERE port = :port");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_number(&row, ":port", port);
    int r = statement_next(&row, err);
    return r <= 0 ? r
                  : error_set(err, ERROR_BUSY,
                              "port %u, for the %s, is in use by another server until that is "
                              "started again: choose another port",
                              port, kind);
}

static int put(struct database *db, int64_t server, const char *kind, uint16_t port,
               struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO server_ports (port, server, kind) VALUES (:port, :server, :kind)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":port", port);
    statement_bind_number(&row, ":server", server);
    statement_bind_text(&row, ":kind", kind);
    if (statement_run(&row, err) == 0)
        return check_held(db, server, kind, port, err);
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_BUSY,
                           "port %u, for the %s, is another server's: choose another port", port,
                           kind)
               : -1;
}

int server_ports_put(struct database *db, int64_t server, const struct server_ports *ports,
                     struct error *err)
{
    static const struct query query = QUERY("DELETE FROM server_ports WHERE server = :server");

    if (database_run(db, &query, ":server", server, NULL, err) < 0 ||
        put(db, server, "game", ports->game, err) < 0 ||
        put(db, server, "client", ports->client, err) < 0)
        return -1;
    return put(db, server, "tv", ports->tv, err);
}
