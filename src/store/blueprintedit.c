// SPDX-License-Identifier: MIT
#include "store/blueprint.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "store/change.h"
#include "store/inuse.h"
#include "store/viewer.h"

#define WHAT       "blueprint"
#define COPIES_MAX 100u // names that are tried

// ---- checking what somebody wants -------------------------------------------------------------

static int check_limits(const struct blueprint *blueprint, struct error *err)
{
    uint64_t memory = blueprint->memory_bytes;
    uint32_t tasks = blueprint->tasks;

    if (memory && (memory < LIMIT_MEMORY_MIN || memory > LIMIT_MEMORY_MAX))
        return error_set(err, ERROR_INVALID, "the memory is %" PRIu64 " to %" PRIu64 " bytes",
                         LIMIT_MEMORY_MIN, LIMIT_MEMORY_MAX);
    if (tasks && (tasks < LIMIT_TASKS_MIN || tasks > LIMIT_TASKS_MAX))
        return error_set(err, ERROR_INVALID, "the tasks are %u to %u", LIMIT_TASKS_MIN,
                         LIMIT_TASKS_MAX);
    if (blueprint->cpu_percent > LIMIT_CPU_PERCENT_MAX)
        return error_set(err, ERROR_INVALID, "the processors are %u percent at most",
                         LIMIT_CPU_PERCENT_MAX);
    return 0;
}

static int check(const struct blueprint *blueprint, struct error *err)
{
    if (name_check(blueprint->name, "a blueprint", err) < 0)
        return -1;
    if (strnlen(blueprint->arguments, BLUEPRINT_ARGUMENTS_MAX) == BLUEPRINT_ARGUMENTS_MAX)
        return error_set(err, ERROR_INVALID, "the arguments are too long: %u bytes at most",
                         BLUEPRINT_ARGUMENTS_MAX - 1);
    if (strnlen(blueprint->config, BLUEPRINT_CONFIG_MAX) == BLUEPRINT_CONFIG_MAX)
        return error_set(err, ERROR_INVALID, "the config is too long: %u bytes at most",
                         BLUEPRINT_CONFIG_MAX - 1);
    if (blueprint->n_overlays > BLUEPRINT_OVERLAYS_MAX)
        return error_set(err, ERROR_INVALID, "a blueprint has %u overlays at most",
                         BLUEPRINT_OVERLAYS_MAX);
    return check_limits(blueprint, err);
}

int blueprint_check_overlay(struct database *db, int64_t id, int64_t overlay, int64_t viewer,
                            struct error *err)
{
    static const struct query query =
        QUERY("SELECT type = 'game', EXISTS (SELECT 1 FROM servers WHERE overlay = overlays.id) "
              "FROM overlays WHERE id = :overlay AND (" OVERLAY_MAY
              " OR EXISTS (SELECT 1 FROM blueprint_overlays WHERE blueprint = :id AND "
              "overlay = :overlay))");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":overlay", overlay);
    statement_bind_number(&row, ":viewer", viewer);
    statement_bind_number(&row, ":id", id);
    int r = statement_next(&row, err);
    if (r < 0)
        return -1;
    if (r == 0)
        return error_set(err, ERROR_INVALID, "there is no overlay %" PRIi64, overlay);
    if (statement_number(&row, 0))
        return error_set(err, ERROR_INVALID, "the game is below all overlays by itself");
    if (statement_number(&row, 1))
        return error_set(err, ERROR_INVALID, "overlay %" PRIi64 " is a server's own", overlay);
    return 0;
}

static int check_overlays(struct database *db, const struct blueprint *blueprint, int64_t viewer,
                          struct error *err)
{
    for (size_t i = 0; i < blueprint->n_overlays; i++)
        if (blueprint_check_overlay(db, blueprint->id, blueprint->overlays[i].overlay, viewer,
                                    err) < 0)
            return -1;
    return 0;
}

// ---- writing ----------------------------------------------------------------------------------

static int name_is_taken(const char *name, struct error *err)
{
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_EXISTS, "there is a blueprint '%s' already", name)
               : -1;
}

static int put_overlay(struct database *db, int64_t id, size_t position,
                       const struct blueprint_overlay *overlay, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO blueprint_overlays (blueprint, position, overlay, expose_server_cfg) "
              "VALUES (:id, :position, :overlay, :exposes)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":position", (int64_t)position);
    statement_bind_number(&row, ":overlay", overlay->overlay);
    statement_bind_number(&row, ":exposes", overlay->exposes_server_cfg);
    if (statement_run(&row, err) == 0)
        return 0;
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_INVALID, "overlay %" PRIi64 " stands there twice",
                           overlay->overlay)
               : -1;
}

static int put_overlays(struct database *db, int64_t id, const struct blueprint *blueprint,
                        struct error *err)
{
    static const struct query query = QUERY("DELETE FROM blueprint_overlays WHERE blueprint = :id");

    if (database_run(db, &query, ":id", id, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < blueprint->n_overlays; i++)
        if (put_overlay(db, id, i, &blueprint->overlays[i], err) < 0)
            return -1;
    return 0;
}

static void bind(struct statement *row, const struct blueprint *blueprint, int64_t now_unix_s)
{
    statement_bind_text(row, ":name", blueprint->name);
    statement_bind_number(row, ":shared", blueprint->is_shared);
    statement_bind_text(row, ":arguments", blueprint->arguments);
    statement_bind_text(row, ":config", blueprint->config);
    statement_bind_number(row, ":memory", (int64_t)blueprint->memory_bytes);
    statement_bind_number(row, ":cpu", blueprint->cpu_percent);
    statement_bind_number(row, ":tasks", blueprint->tasks);
    statement_bind_number(row, ":now", now_unix_s);
}

static int insert(int64_t *ret_id, struct database *db, const struct blueprint *blueprint,
                  struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO blueprints (name, owner, is_shared, arguments, config, memory_bytes, "
              "cpu_percent, tasks, created_unix_s, changed_unix_s) VALUES (:name, :owner, :shared, "
              ":arguments, :config, nullif(:memory, 0), nullif(:cpu, 0), nullif(:tasks, 0), "
              ":now, :now)");
    AUTO(statement_done) struct statement row = { 0 };
    int64_t                               id = 0;

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind(&row, blueprint, blueprint->created_unix_s);
    statement_bind_number(&row, ":owner", blueprint->owner);
    if (statement_insert(&row, &id, err) < 0)
        return name_is_taken(blueprint->name, err);
    if (put_overlays(db, id, blueprint, err) < 0)
        return -1;
    *ret_id = id;
    return change_note(db, CHANGE_BLUEPRINT, id, false, err);
}

int blueprint_add(int64_t *ret_id, struct database *db, const struct blueprint *blueprint,
                  int64_t viewer, struct error *err)
{
    struct blueprint new = *blueprint;

    assert(database_is_writing(db));
    new.id = 0;
    return check(&new, err) < 0 || check_overlays(db, &new, viewer, err) < 0
               ? -1
               : insert(ret_id, db, &new, err);
}

// It is there, at the revision that was seen.
static int check_revision(struct database *db, int64_t id, int64_t revision, struct error *err)
{
    static const struct query query = QUERY("SELECT revision FROM blueprints WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_one(&row, WHAT, err) < 0)
        return -1;
    return statement_number(&row, 0) == revision
               ? 0
               : error_set(err, ERROR_CONFLICT, "the blueprint was changed meanwhile: look again");
}

static int update(struct database *db, const struct blueprint *blueprint, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE blueprints SET name = :name, is_shared = :shared, arguments = :arguments, "
              "config = :config, memory_bytes = nullif(:memory, 0), cpu_percent = nullif(:cpu, 0), "
              "tasks = nullif(:tasks, 0), revision = revision + 1, changed_unix_s = :now "
              "WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind(&row, blueprint, blueprint->changed_unix_s);
    statement_bind_number(&row, ":id", blueprint->id);
    if (statement_change_one(&row, WHAT, err) < 0)
        return name_is_taken(blueprint->name, err);
    return put_overlays(db, blueprint->id, blueprint, err);
}

// Before it is shared no longer.
static int note_lost(struct database *db, const struct blueprint *blueprint, struct error *err)
{
    static const struct query lost =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'blueprint', blueprints.id, 0, users.id FROM blueprints, users "
              "WHERE blueprints.id = :id AND blueprints.is_shared");

    return blueprint->is_shared ? 0 : database_run(db, &lost, ":id", blueprint->id, NULL, err);
}

int blueprint_replace(struct database *db, const struct blueprint *blueprint, int64_t viewer,
                      struct error *err)
{
    // Their lists show its name, and what they would start with is another thing now.
    static const struct query servers = QUERY("SELECT id FROM servers WHERE blueprint = :id");

    assert(database_is_writing(db));
    if (check_revision(db, blueprint->id, blueprint->revision, err) < 0 ||
        check(blueprint, err) < 0 || check_overlays(db, blueprint, viewer, err) < 0 ||
        note_lost(db, blueprint, err) < 0 || update(db, blueprint, err) < 0 ||
        change_note(db, CHANGE_BLUEPRINT, blueprint->id, false, err) < 0)
        return -1;
    return change_note_all(db, CHANGE_SERVER, &servers, ":id", blueprint->id, NULL, err);
}

// ---- copies -----------------------------------------------------------------------------------

static int name_is_free(bool *ret, struct database *db, int64_t owner, const char *name,
                        struct error *err)
{
    static const struct query query =
        QUERY("SELECT 1 FROM blueprints WHERE owner = :owner AND name = :name");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":owner", owner);
    statement_bind_text(&row, ":name", name);
    int r = statement_next(&row, err);
    *ret = r == 0;
    return MIN(r, 0);
}

// Cut off before `n` bytes, not within a character.
static int cut_length(const char *name, size_t n)
{
    size_t length = strnlen(name, n);

    while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
        length--;
    return (int)length;
}

static int choose_name(struct database *db, struct blueprint *copy, struct error *err)
{
    char original[NAME_MAX_BYTES];
    bool is_free = false;

    memcpy(original, copy->name, sizeof original);
    for (unsigned i = 1; i <= COPIES_MAX && !is_free; i++) {
        char ending[16] = " copy";
        if (i > 1)
            (void)snprintf(ending, sizeof ending, " copy %u", i); // it fits
        (void)snprintf(copy->name, sizeof copy->name, "%.*s%s",
                       cut_length(original, sizeof copy->name - 1 - strlen(ending)), original,
                       ending); // likewise
        if (name_is_free(&is_free, db, copy->owner, copy->name, err) < 0)
            return -1;
    }
    return is_free ? 0 : error_set(err, ERROR_EXISTS, "there are too many copies of it already");
}

int blueprint_copy(int64_t *ret_id, struct database *db, int64_t id, const char *name,
                   int64_t owner, int64_t now_unix_s, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *copy = NULL;

    assert(database_is_writing(db));
    if ((name && name_check(name, "a blueprint", err) < 0) ||
        blueprint_find(&copy, db, id, VIEWER_ALL, err) < 0)
        return -1;
    copy->owner = owner;
    copy->is_shared = false;
    copy->created_unix_s = now_unix_s;
    if (name)
        (void)snprintf(copy->name, sizeof copy->name, "%s", name); // it was checked
    else if (choose_name(db, copy, err) < 0)
        return -1;
    return insert(ret_id, db, copy, err);
}

// ---- the whole of it --------------------------------------------------------------------------

int blueprint_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                        struct error *err)
{
    static const struct query query =
        QUERY("UPDATE blueprints SET owner = :owner, revision = revision + 1, "
              "changed_unix_s = :now WHERE id = :id");
    static const struct query lost =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'blueprint', id, 0, owner FROM blueprints WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (database_run(db, &lost, ":id", id, NULL, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":owner", owner);
    statement_bind_number(&row, ":now", now_unix_s);
    statement_bind_number(&row, ":id", id);
    if (statement_change_one(&row, WHAT, err) == 0)
        return change_note(db, CHANGE_BLUEPRINT, id, false, err);
    if (err->kind == ERROR_EXISTS)
        return error_set(err, ERROR_EXISTS, "who is to have it has one of that name already");
    return err->kind == ERROR_BUSY ? error_set(err, ERROR_INVALID, "there is no such user") : -1;
}

static int check_unused(struct database *db, int64_t id, int64_t viewer, struct error *err)
{
    static const struct query query =
        QUERY("SELECT name, " SERVER_MAY " AS may, count(*) OVER () FROM servers "
              "WHERE blueprint = :id ORDER BY may DESC LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    const struct in_use use = { .what = "server",
                                .name = statement_text(&row, 0),
                                .is_seen = statement_number(&row, 1),
                                .n = statement_number(&row, 2) };
    return in_use_check(&use, "blueprint", err);
}

int blueprint_remove(struct database *db, int64_t id, int64_t viewer, struct error *err)
{
    static const struct query             query = QUERY("DELETE FROM blueprints WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (check_unused(db, id, viewer, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, WHAT, err) < 0
               ? -1
               : change_note(db, CHANGE_BLUEPRINT, id, true, err);
}
