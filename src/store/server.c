// SPDX-License-Identifier: MIT
#include "store/server.h"

#include <assert.h>
#include <string.h>
#include "store/change.h"
#include "store/ownedoverlay.h"
#include "store/serverports.h"
#include "store/viewer.h"

#define WHAT "server"

// ---- finding ----------------------------------------------------------------------------------

#define PORT(kind)                                                                                 \
    "(SELECT port FROM server_ports WHERE server = servers.id AND kind = '" kind "'), "
#define SELECT                                                                                     \
    "SELECT servers.id, instance, servers.name, servers.owner, users.name, blueprint, "            \
    "blueprints.name, overlay, hostname, " PORT("game") PORT("client")                             \
        PORT("tv") "wanted = 'running', " SERVER_MAY                                               \
                   " AS may, servers.revision, servers.created_unix_s, "                           \
                   "servers.changed_unix_s FROM servers JOIN users ON users.id = servers.owner "   \
                   "JOIN blueprints ON blueprints.id = servers.blueprint "

static int take_row(struct server *ret, const struct statement *row, struct error *err)
{
    ret->id = statement_number(row, 0);
    ret->owner = statement_number(row, 3);
    ret->blueprint = statement_number(row, 5);
    ret->overlay = statement_number(row, 7);
    ret->ports.game = (uint16_t)statement_number(row, 9);
    ret->ports.client = (uint16_t)statement_number(row, 10);
    ret->ports.tv = (uint16_t)statement_number(row, 11);
    ret->is_wanted = statement_number(row, 12);
    ret->may = (unsigned)statement_number(row, 13);
    ret->revision = statement_number(row, 14);
    ret->created_unix_s = statement_number(row, 15);
    ret->changed_unix_s = statement_number(row, 16);
    if (statement_copy(row, 1, ret->instance, sizeof ret->instance, err) < 0 ||
        statement_copy(row, 2, ret->name, sizeof ret->name, err) < 0 ||
        statement_copy(row, 4, ret->owner_name, sizeof ret->owner_name, err) < 0 ||
        statement_copy(row, 6, ret->blueprint_name, sizeof ret->blueprint_name, err) < 0)
        return -1;
    return statement_copy(row, 8, ret->hostname, sizeof ret->hostname, err);
}

int server_find(struct server *ret, struct database *db, int64_t id, int64_t viewer,
                struct error *err)
{
    static const struct query             query = QUERY(SELECT "WHERE servers.id = :id AND may");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    return statement_one(&row, WHAT, err) < 0 ? -1 : take_row(ret, &row, err);
}

int server_find_instance(struct server *ret, struct database *db, const char *instance,
                         struct error *err)
{
    static const struct query             query = QUERY(SELECT "WHERE instance = :instance");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":instance", instance);
    statement_bind_number(&row, ":viewer", VIEWER_ALL);
    return statement_one(&row, WHAT, err) < 0 ? -1 : take_row(ret, &row, err);
}

int server_next(struct server *ret, struct database *db, int64_t id,
                const struct server_filter *filter, struct error *err)
{
    static const struct query query = QUERY(
        SELECT "WHERE servers.id > :id AND may AND :blueprint IN (0, servers.blueprint) "
               "AND (:overlay IN (0, coalesce(servers.overlay, 0)) OR EXISTS "
               "(SELECT 1 FROM blueprint_overlays WHERE blueprint_overlays.overlay = :overlay "
               "AND blueprint_overlays.blueprint = servers.blueprint)) "
               "ORDER BY servers.id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", filter->viewer);
    statement_bind_number(&row, ":blueprint", filter->blueprint);
    statement_bind_number(&row, ":overlay", filter->overlay);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

// ---- making -----------------------------------------------------------------------------------

// 's' and a number is what the page calls them.
static int check_instance(const char *instance, struct error *err)
{
    if (instance[0] != 's' || instance[1] == '\0')
        return 0;
    return instance[1 + strspn(instance + 1, "0123456789")]
               ? 0
               : error_set(err, ERROR_INVALID, "'%s' is a name that the page gives", instance);
}

static int check(const struct server *server, struct error *err)
{
    if (name_check(server->name, "a server", err) < 0)
        return -1;
    if (strnlen(server->hostname, SERVER_HOSTNAME_MAX) == SERVER_HOSTNAME_MAX)
        return error_set(err, ERROR_INVALID, "the hostname has %u bytes at most",
                         SERVER_HOSTNAME_MAX - 1);
    if (!name_is_plain(server->hostname))
        return error_set(err, ERROR_INVALID, "the hostname has no control characters");
    return 0;
}

// The one thing that it can refer to in vain.
static int no_blueprint(struct error *err)
{
    return err->kind == ERROR_BUSY ? error_set(err, ERROR_INVALID, "there is no such blueprint")
                                   : -1;
}

static int insert(int64_t *ret_id, struct database *db, const struct server *server,
                  struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO servers (instance, name, owner, blueprint, hostname, rcon_sealed, "
              "created_unix_s, changed_unix_s) VALUES (:instance, :name, :owner, :blueprint, "
              ":hostname, x'', :now, :now)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":instance", server->instance);
    statement_bind_text(&row, ":name", server->name);
    statement_bind_number(&row, ":owner", server->owner);
    statement_bind_number(&row, ":blueprint", server->blueprint);
    statement_bind_text(&row, ":hostname", server->hostname);
    statement_bind_number(&row, ":now", server->created_unix_s);
    if (statement_insert(&row, ret_id, err) == 0)
        return 0;
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_EXISTS, "'%s' is on the page already", server->instance)
               : no_blueprint(err);
}

// Its id is known when it is there.
static int name_instance(struct database *db, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE servers SET instance = 's' || id WHERE id = :id AND instance = ''");

    return database_run(db, &query, ":id", id, NULL, err);
}

int server_add(int64_t *ret_id, struct database *db, const struct server *server,
               const struct secret_key *key, const char *rcon_password, struct error *err)
{
    struct server_ports ports = server->ports;
    int64_t             id = 0;

    assert(database_is_writing(db));
    if (check(server, err) < 0 || check_instance(server->instance, err) < 0 ||
        server_ports_complete(&ports, db, err) < 0 || insert(&id, db, server, err) < 0 ||
        name_instance(db, id, err) < 0 || server_ports_put(db, id, &ports, err) < 0 ||
        server_set_rcon_password(db, id, key, rcon_password, server->created_unix_s, err) < 0 ||
        change_note(db, CHANGE_BLUEPRINT, server->blueprint, false, err) < 0)
        return -1;
    *ret_id = id;
    return 0;
}

// ---- changing ---------------------------------------------------------------------------------

static int update(struct database *db, const struct server *server, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE servers SET name = :name, blueprint = :blueprint, hostname = :hostname, "
              "revision = revision + 1, changed_unix_s = :now WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":name", server->name);
    statement_bind_number(&row, ":blueprint", server->blueprint);
    statement_bind_text(&row, ":hostname", server->hostname);
    statement_bind_number(&row, ":now", server->changed_unix_s);
    statement_bind_number(&row, ":id", server->id);
    return statement_change_one(&row, WHAT, err) < 0 ? no_blueprint(err) : 0;
}

static int change_port(struct database *db, const struct server *old, uint16_t game,
                       struct error *err)
{
    struct server_ports ports = { .game = game };

    if (!game || game == old->ports.game)
        return 0;
    return server_ports_complete(&ports, db, err) < 0 ? -1
                                                      : server_ports_put(db, old->id, &ports, err);
}

// How many servers it has is shown with each.
static int note_blueprints(struct database *db, int64_t from, int64_t to, struct error *err)
{
    if (from == to)
        return 0;
    return change_note(db, CHANGE_BLUEPRINT, from, false, err) < 0
               ? -1
               : change_note(db, CHANGE_BLUEPRINT, to, false, err);
}

int server_change(struct database *db, const struct server *server, struct error *err)
{
    struct server old;

    assert(database_is_writing(db));
    if (server_find(&old, db, server->id, VIEWER_ALL, err) < 0)
        return -1;
    if (old.revision != server->revision)
        return error_set(err, ERROR_CONFLICT, "the server was changed meanwhile: look again");
    if (check(server, err) < 0 || update(db, server, err) < 0 ||
        change_port(db, &old, server->ports.game, err) < 0 ||
        note_blueprints(db, old.blueprint, server->blueprint, err) < 0)
        return -1;
    return change_note(db, CHANGE_SERVER, server->id, false, err);
}

// Of a statement that has all but the id.
static int change_one(struct statement *row, int64_t id, struct error *err)
{
    assert(database_is_writing(row->db));
    statement_bind_number(row, ":id", id);
    return statement_change_one(row, WHAT, err) < 0
               ? -1
               : change_note(row->db, CHANGE_SERVER, id, false, err);
}

int server_set_wanted(struct database *db, int64_t id, bool is_wanted, struct error *err)
{
    static const struct query query = QUERY("UPDATE servers SET wanted = :wanted WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":wanted", is_wanted ? "running" : "stopped");
    return change_one(&row, id, err);
}

int server_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                     struct error *err)
{
    static const struct query query =
        QUERY("UPDATE servers SET owner = :owner, revision = revision + 1, changed_unix_s = :now "
              "WHERE id = :id");
    static const struct query grant = QUERY("DELETE FROM server_grants WHERE server = :id AND "
                                            "user = (SELECT owner FROM servers WHERE id = :id)");
    static const struct query lost =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'server', id, 0, owner FROM servers WHERE id = :id UNION ALL "
              "SELECT 'overlay', overlay, 0, owner FROM servers WHERE id = :id AND "
              "overlay NOTNULL");
    // Whoever has the server now has that as well.
    static const struct query overlay =
        QUERY("SELECT overlay FROM servers WHERE id = :id AND overlay NOTNULL");
    AUTO(statement_done) struct statement row = { 0 };

    if (database_run(db, &lost, ":id", id, NULL, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":owner", owner);
    statement_bind_number(&row, ":now", now_unix_s);
    if (change_one(&row, id, err) < 0)
        return err->kind == ERROR_BUSY ? error_set(err, ERROR_INVALID, "there is no such user")
                                       : -1;
    return database_run(db, &grant, ":id", id, NULL, err) < 0
               ? -1
               : change_note_all(db, CHANGE_OVERLAY, &overlay, ":id", id, NULL, err);
}

int server_set_overlay(struct database *db, int64_t id, int64_t overlay, struct error *err)
{
    static const struct query query = QUERY("UPDATE servers SET overlay = :overlay WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":overlay", overlay);
    return change_one(&row, id, err);
}

// ---- removing ---------------------------------------------------------------------------------

int server_remove(struct database *db, int64_t id, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM servers WHERE id = :id");
    struct server             server;

    assert(database_is_writing(db));
    if (server_find(&server, db, id, VIEWER_ALL, err) < 0 ||
        database_run(db, &query, ":id", id, NULL, err) < 0 ||
        (server.overlay && owned_overlay_remove(db, server.overlay, err) < 0) ||
        change_note(db, CHANGE_BLUEPRINT, server.blueprint, false, err) < 0)
        return -1;
    return change_note(db, CHANGE_SERVER, id, true, err);
}
