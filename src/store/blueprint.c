// SPDX-License-Identifier: MIT
#include "store/blueprint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "overlay/type.h"
#include "store/viewer.h"

struct blueprint *blueprint_free(struct blueprint *blueprint)
{
    if (blueprint) {
        free(blueprint->arguments);
        free(blueprint->config);
        free(blueprint->overlays);
        free(blueprint);
    }
    return NULL;
}

void blueprint_freep(struct blueprint **blueprint)
{
    *blueprint = blueprint_free(*blueprint);
}

// ---- reading ----------------------------------------------------------------------------------

#define COLUMNS                                                                                    \
    "blueprints.id, blueprints.name, blueprints.owner, users.name, is_shared, arguments, config, " \
    "memory_bytes, cpu_percent, tasks, "                                                           \
    "(SELECT count(*) FROM servers WHERE servers.blueprint = blueprints.id), " BLUEPRINT_MAY       \
    " AS may, revision, blueprints.created_unix_s, changed_unix_s, "                               \
    "(SELECT count(*) FROM blueprint_overlays WHERE blueprint_overlays.blueprint = blueprints.id)"
#define SELECT "SELECT " COLUMNS " FROM blueprints JOIN users ON users.id = blueprints.owner "

static int take_row(struct blueprint *ret, const struct statement *row, struct error *err)
{
    ret->id = statement_number(row, 0);
    ret->owner = statement_number(row, 2);
    ret->is_shared = statement_number(row, 4);
    ret->memory_bytes = (uint64_t)statement_number(row, 7);
    ret->cpu_percent = (uint32_t)statement_number(row, 8);
    ret->tasks = (uint32_t)statement_number(row, 9);
    ret->n_servers = (unsigned)statement_number(row, 10);
    ret->may = (unsigned)statement_number(row, 11);
    ret->revision = statement_number(row, 12);
    ret->created_unix_s = statement_number(row, 13);
    ret->changed_unix_s = statement_number(row, 14);
    if (statement_copy(row, 1, ret->name, sizeof ret->name, err) < 0 ||
        statement_copy(row, 3, ret->owner_name, sizeof ret->owner_name, err) < 0 ||
        statement_duplicate(row, 5, &ret->arguments, err) < 0)
        return -1;
    return statement_duplicate(row, 6, &ret->config, err);
}

static int take_overlay(struct blueprint_overlay *ret, const struct statement *row,
                        struct error *err)
{
    ret->overlay = statement_number(row, 0);
    ret->exposes_server_cfg = statement_number(row, 1);
    ret->type = overlay_type_of(statement_text(row, 3));
    return statement_copy(row, 2, ret->name, sizeof ret->name, err);
}

// There is room for as many as there were a moment ago: another program may have added some since.
static int read_overlays(struct blueprint *blueprint, struct database *db, size_t n_max,
                         struct error *err)
{
    static const struct query query =
        QUERY("SELECT overlay, expose_server_cfg, name, type FROM blueprint_overlays "
              "JOIN overlays ON overlays.id = overlay WHERE blueprint = :id "
              "ORDER BY position LIMIT :max");
    AUTO(statement_done) struct statement row = { 0 };
    int                                   r;

    blueprint->overlays = calloc(n_max + 1, sizeof *blueprint->overlays);
    if (!blueprint->overlays)
        return error_sys(err, ENOMEM, "reading a blueprint");
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", blueprint->id);
    statement_bind_number(&row, ":max", (int64_t)n_max);
    while ((r = statement_next(&row, err)) > 0) {
        if (take_overlay(&blueprint->overlays[blueprint->n_overlays], &row, err) < 0)
            return -1;
        blueprint->n_overlays++;
    }
    return r;
}

// Of a statement that is at its row, which holds the moment at which all is read.
static int take_whole(struct blueprint **ret, struct statement *row, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = calloc(1, sizeof *blueprint);

    if (!blueprint)
        return error_sys(err, ENOMEM, "reading a blueprint");
    if (take_row(blueprint, row, err) < 0 ||
        read_overlays(blueprint, row->db, (size_t)statement_number(row, 15), err) < 0)
        return -1;
    *ret = TAKE(blueprint);
    return 0;
}

int blueprint_find(struct blueprint **ret, struct database *db, int64_t id, int64_t viewer,
                   struct error *err)
{
    static const struct query             query = QUERY(SELECT "WHERE blueprints.id = :id AND may");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    return statement_one(&row, "blueprint", err) < 0 ? -1 : take_whole(ret, &row, err);
}

int blueprint_next(struct blueprint **ret, struct database *db, int64_t id, int64_t viewer,
                   struct error *err)
{
    static const struct query query =
        QUERY(SELECT "WHERE blueprints.id > :id AND may ORDER BY blueprints.id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    int r = statement_next(&row, err);
    return r <= 0 || take_whole(ret, &row, err) == 0 ? r : -1;
}
