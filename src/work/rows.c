// SPDX-License-Identifier: MIT
#include "work/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "overlay/type.h"
#include "store/change.h"
#include "store/ownedoverlay.h"

int rows_are_deleted(bool *ret, struct database *db, const struct job *job, struct error *err)
{
    const struct job_filter filter = { .server = job->server,
                                       .overlay = job->overlay,
                                       .kind = job->kind };
    AUTO(freep) struct job *other = calloc(1, sizeof *other);
    int                     r = 0;
    bool                    is_deleted = false;

    if (!other)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (strcmp(job->kind, "server.delete") == 0 || strcmp(job->kind, "overlay.delete") == 0)
        while (!is_deleted && (r = job_next(other, db, other->id, &filter, err)) > 0)
            is_deleted = other->state == JOB_DONE;
    if (r < 0)
        return -1;
    *ret = is_deleted;
    return 0;
}

int rows_before(char ret[SERVER_INSTANCE_MAX], struct database *db, const struct job *job,
                struct error *err)
{
    struct server server = { 0 };

    if (job->server && server_find(&server, db, job->server, VIEWER_ALL, err) < 0)
        return -1;
    memcpy(ret, server.instance, SERVER_INSTANCE_MAX);
    // The host knows of servers alone; a blueprint without any would be left with a hole.
    if (strcmp(job->kind, "overlay.delete") == 0 &&
        owned_overlay_check_unused(db, job->overlay, VIEWER_NOBODY, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    return 0;
}

// ---- overlays ---------------------------------------------------------------------------------

static int add_overlay(struct database *db, const struct job *job, const json_t *result,
                       int64_t now_unix_s, struct error *err)
{
    struct owned_overlay overlay = { .id = json_integer_value(json_object_get(result, "overlay")),
                                     .owner = job->asked_by,
                                     .created_unix_s = now_unix_s };
    struct owned_overlay other;
    const char          *name = json_string_value(json_object_get(result, "name"));
    const char          *type = json_string_value(json_object_get(result, "type"));

    if (!name || !type || overlay.id <= 0 || strlen(name) >= sizeof overlay.name)
        return error_set(err, ERROR_FAILED, "l4d2ctl did not say which overlay it made");
    memcpy(overlay.name, name, strlen(name) + 1);
    overlay.type = overlay_type_of(type);
    // Whoever lists the overlays of the host may have seen it before its maker was told of. One
    // that was there before the job is nobody's to take, if a worker that was killed had made none.
    if (owned_overlay_find(&other, db, overlay.id, VIEWER_ALL, err) == 0)
        return other.owner || other.created_unix_s < job->started_us / 1000000
                   ? error_set(err, ERROR_EXISTS, "there is an overlay '%s' already", overlay.name)
                   : owned_overlay_set_owner(db, overlay.id, job->asked_by, now_unix_s, err);
    return err->kind == ERROR_NOT_FOUND ? owned_overlay_add(db, &overlay, err) : -1;
}

static int rename_overlay(struct database *db, const struct job *job, const json_t *result,
                          int64_t now_unix_s, struct error *err)
{
    const char *name = json_string_value(json_object_get(result, "name"));

    return name ? owned_overlay_set_name(db, job->overlay, name, now_unix_s, err) : 0;
}

static int remove_overlay(struct database *db, const struct job *job, const json_t *result,
                          int64_t now_unix_s, struct error *err)
{
    (void)result;
    (void)now_unix_s;
    return owned_overlay_remove(db, job->overlay, err) == 0 || err->kind == ERROR_NOT_FOUND ? 0
                                                                                            : -1;
}

// What the host has of it is another than before.
static int note_overlay(struct database *db, const struct job *job, const json_t *result,
                        int64_t now_unix_s, struct error *err)
{
    (void)result;
    (void)now_unix_s;
    return change_note(db, CHANGE_OVERLAY, job->overlay, false, err);
}

// ---- servers ----------------------------------------------------------------------------------

static int remove_server(struct database *db, const struct job *job, const json_t *result,
                         int64_t now_unix_s, struct error *err)
{
    (void)result;
    (void)now_unix_s;
    return server_remove(db, job->server, err) == 0 || err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

static bool is_to_another(const struct job *job)
{
    AUTO(json_decrefp) json_t *parameters = json_loads(job->parameters, 0, NULL);

    return json_is_integer(json_object_get(parameters, "to"));
}

// A server's own overlay is made when the first file is put there.
static int note_own_overlay(struct database *db, const struct job *job, const json_t *result,
                            int64_t now_unix_s, struct error *err)
{
    struct server        server;
    struct owned_overlay own = { .id = json_integer_value(json_object_get(result, "overlay")),
                                 .type = OVERLAY_FILES,
                                 .created_unix_s = now_unix_s },
                         other;

    if (is_to_another(job))
        return own.id > 0 ? change_note(db, CHANGE_OVERLAY, own.id, false, err) : 0;
    if (server_find(&server, db, job->server, VIEWER_ALL, err) < 0)
        return -1;
    if (own.id <= 0 || server.overlay == own.id ||
        owned_overlay_find(&other, db, own.id, VIEWER_ALL, err) == 0)
        return own.id > 0 ? change_note(db, CHANGE_OVERLAY, own.id, false, err) : 0;
    (void)snprintf(own.name, sizeof own.name, "@%.63s", server.instance); // as the host calls it
    if (err->kind != ERROR_NOT_FOUND || owned_overlay_add(db, &own, err) < 0)
        return -1;
    return server_set_overlay(db, server.id, own.id, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct row {
    const char *kind;
    int (*after)(struct database *db, const struct job *job, const json_t *result,
                 int64_t now_unix_s, struct error *err);
} rows[] = {
    { "overlay.create", add_overlay },    { "overlay.set", rename_overlay },
    { "overlay.delete", remove_overlay }, { "overlay.build", note_overlay },
    { "overlay.wipe", note_overlay },     { "overlay.select", note_overlay },
    { "overlay.rollback", note_overlay }, { "overlay.extract", note_overlay },
    { "overlay.cancel", note_overlay },   { "game.install", note_overlay },
    { "server.delete", remove_server },   { "server.overlay", note_own_overlay },
    { "server.keep", note_own_overlay },
};

int rows_after(struct database *db, const struct job *job, const json_t *result, int64_t now_unix_s,
               struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strcmp(rows[i].kind, job->kind) == 0)
            return rows[i].after(db, job, result, now_unix_s, err);
    return 0;
}
