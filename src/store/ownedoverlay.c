// SPDX-License-Identifier: MIT
#include "store/ownedoverlay.h"

#include <assert.h>
#include "overlay/type.h"
#include "store/change.h"
#include "store/inuse.h"
#include "store/viewer.h"

#define WHAT "overlay"
#define SELECT                                                                                     \
    "SELECT overlays.id, overlays.name, type, overlays.owner, users.name, is_shared, "             \
    "(SELECT servers.id FROM servers WHERE servers.overlay = overlays.id), " OVERLAY_MAY           \
    " AS may, overlays.created_unix_s, overlays.changed_unix_s "                                   \
    "FROM overlays LEFT JOIN users ON users.id = overlays.owner "

static int take_row(struct owned_overlay *ret, const struct statement *row, struct error *err)
{
    ret->id = statement_number(row, 0);
    ret->type = overlay_type_of(statement_text(row, 2));
    ret->owner = statement_number(row, 3);
    ret->is_shared = statement_number(row, 5);
    ret->server = statement_number(row, 6);
    ret->may = (unsigned)statement_number(row, 7);
    ret->created_unix_s = statement_number(row, 8);
    ret->changed_unix_s = statement_number(row, 9);
    return statement_copy(row, 1, ret->name, sizeof ret->name, err) < 0
               ? -1
               : statement_copy(row, 4, ret->owner_name, sizeof ret->owner_name, err);
}

// ---- finding ----------------------------------------------------------------------------------

int owned_overlay_find(struct owned_overlay *ret, struct database *db, int64_t id, int64_t viewer,
                       struct error *err)
{
    static const struct query             query = QUERY(SELECT "WHERE overlays.id = :id AND may");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    return statement_one(&row, WHAT, err) < 0 ? -1 : take_row(ret, &row, err);
}

int owned_overlay_next(struct owned_overlay *ret, struct database *db, int64_t id, int64_t viewer,
                       struct error *err)
{
    static const struct query query =
        QUERY(SELECT "WHERE overlays.id > :id AND may ORDER BY overlays.id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

// ---- changing ---------------------------------------------------------------------------------

static int name_is_taken(const char *name, struct error *err)
{
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_EXISTS, "there is an overlay '%s' already", name)
               : -1;
}

int owned_overlay_add(struct database *db, const struct owned_overlay *overlay, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO overlays (id, name, type, owner, is_shared, created_unix_s, "
              "changed_unix_s) VALUES (:id, :name, :type, nullif(:owner, 0), :shared, :now, :now)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (name_check(overlay->name, "an overlay", err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", overlay->id);
    statement_bind_text(&row, ":name", overlay->name);
    statement_bind_text(&row, ":type", overlay_type_word(overlay->type));
    statement_bind_number(&row, ":owner", overlay->owner);
    statement_bind_number(&row, ":shared", overlay->is_shared);
    statement_bind_number(&row, ":now", overlay->created_unix_s);
    if (statement_run(&row, err) < 0)
        return name_is_taken(overlay->name, err);
    return change_note(db, CHANGE_OVERLAY, overlay->id, false, err);
}

// Of a statement that has all but these two.
static int change(struct statement *row, int64_t id, int64_t now_unix_s, struct error *err)
{
    assert(database_is_writing(row->db));
    statement_bind_number(row, ":id", id);
    statement_bind_number(row, ":now", now_unix_s);
    return statement_change_one(row, WHAT, err) < 0
               ? -1
               : change_note(row->db, CHANGE_OVERLAY, id, false, err);
}

int owned_overlay_set_name(struct database *db, int64_t id, const char *name, int64_t now_unix_s,
                           struct error *err)
{
    static const struct query query =
        QUERY("UPDATE overlays SET name = :name, changed_unix_s = :now WHERE id = :id");
    // Their lists show its name.
    static const struct query blueprints =
        QUERY("SELECT blueprint FROM blueprint_overlays WHERE overlay = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (name_check(name, "an overlay", err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":name", name);
    if (change(&row, id, now_unix_s, err) < 0)
        return name_is_taken(name, err);
    return change_note_all(db, CHANGE_BLUEPRINT, &blueprints, ":id", id, NULL, err);
}

int owned_overlay_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                            struct error *err)
{
    static const struct query query =
        QUERY("UPDATE overlays SET owner = nullif(:owner, 0), changed_unix_s = :now "
              "WHERE id = :id");
    static const struct query lost =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'overlay', id, 0, owner FROM overlays WHERE id = :id AND owner NOTNULL");
    AUTO(statement_done) struct statement row = { 0 };

    if (database_run(db, &lost, ":id", id, NULL, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":owner", owner);
    if (change(&row, id, now_unix_s, err) == 0)
        return 0;
    return err->kind == ERROR_BUSY ? error_set(err, ERROR_INVALID, "there is no such user") : -1;
}

int owned_overlay_set_shared(struct database *db, int64_t id, bool is_shared, int64_t now_unix_s,
                             struct error *err)
{
    static const struct query query =
        QUERY("UPDATE overlays SET is_shared = :shared, changed_unix_s = :now WHERE id = :id");
    static const struct query lost =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'overlay', overlays.id, 0, users.id FROM overlays, users "
              "WHERE overlays.id = :id AND overlays.is_shared");
    AUTO(statement_done) struct statement row = { 0 };

    if ((!is_shared && database_run(db, &lost, ":id", id, NULL, err) < 0) ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":shared", is_shared);
    return change(&row, id, now_unix_s, err);
}

// ---- removing ---------------------------------------------------------------------------------

int owned_overlay_check_unused(struct database *db, int64_t id, int64_t viewer, struct error *err)
{
    static const struct query query =
        QUERY("SELECT 'blueprint', blueprints.name, " BLUEPRINT_MAY " AS may, count(*) OVER () "
              "FROM blueprint_overlays JOIN blueprints ON blueprints.id = blueprint "
              "WHERE blueprint_overlays.overlay = :id UNION ALL "
              "SELECT 'server', servers.name, " SERVER_MAY ", 1 FROM servers "
              "WHERE servers.overlay = :id ORDER BY may DESC LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (id == GAME_OVERLAY)
        return error_set(err, ERROR_BUSY, "the game is below all servers: it stays");
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    const struct in_use use = { .what = statement_text(&row, 0),
                                .name = statement_text(&row, 1),
                                .is_seen = statement_number(&row, 2),
                                .n = statement_number(&row, 3) };
    return in_use_check(&use, "overlay", err);
}

int owned_overlay_remove(struct database *db, int64_t id, struct error *err)
{
    static const struct query             query = QUERY("DELETE FROM overlays WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (owned_overlay_check_unused(db, id, VIEWER_NOBODY, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, WHAT, err) < 0
               ? -1
               : change_note(db, CHANGE_OVERLAY, id, true, err);
}
