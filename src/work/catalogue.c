// SPDX-License-Identifier: MIT

// catalogue: the overlays that the host has, in the table as they were last seen. Whose one is
// stays as it is; one that somebody has made by the shell is the machine's.
//
// A list takes its time, and jobs make, rename and delete overlays meanwhile: of one that has
// changed since the list was begun the list knows nothing, and the next one is asked for.

#include "work/watched.h"

#include <stdlib.h>
#include <string.h>
#include "overlay/type.h"
#include "store/change.h"
#include "store/ownedoverlay.h"

static const json_t *find(const json_t *list, int64_t overlay)
{
    const json_t *row;
    size_t        i;

    json_array_foreach(list, i, row) if (json_integer_value(json_object_get(row, "overlay")) ==
                                         overlay) return row;
    return NULL;
}

// The host calls it by the server's name, after an '@'.
static int add_own(struct watch *watch, const struct owned_overlay *overlay, struct error *err)
{
    struct server server;

    if (server_find_instance(&server, watch->config.db, overlay->name + 1, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // it is not the page's
    if (owned_overlay_add(watch->config.db, overlay, err) < 0)
        return -1;
    return server_set_overlay(watch->config.db, server.id, overlay->id, err);
}

static int add(struct watch *watch, const json_t *row, struct error *err)
{
    struct owned_overlay overlay = { .id = json_integer_value(json_object_get(row, "overlay")),
                                     .created_unix_s = watch_now_us() / 1000000 };
    const char          *name = json_string_value(json_object_get(row, "name"));
    const char          *type = json_string_value(json_object_get(row, "type"));

    if (!name || !type || overlay.id <= 0 || strlen(name) >= sizeof overlay.name ||
        !overlay_type_of(type))
        return 0; // of a later version, perhaps
    memcpy(overlay.name, name, strlen(name) + 1);
    overlay.type = overlay_type_of(type);
    int r = *name == '@' ? add_own(watch, &overlay, err)
                         : owned_overlay_add(watch->config.db, &overlay, err);
    return r == 0 || err->kind == ERROR_EXISTS || err->kind == ERROR_INVALID ? 0 : -1;
}

static int compare(struct watch *watch, const struct owned_overlay *known, const json_t *row,
                   struct error *err)
{
    const char   *name = json_string_value(json_object_get(row, "name"));
    const json_t *before = watch->list ? find(watch->list, known->id) : row;

    if (name && strcmp(name, known->name) != 0 && known->type != OVERLAY_GAME &&
        owned_overlay_set_name(watch->config.db, known->id, name, watch_now_us() / 1000000, err) <
            0 &&
        err->kind != ERROR_EXISTS && err->kind != ERROR_INVALID)
        return -1;
    if (before && json_equal(before, row))
        return 0;
    if (watch_make_due(watch, known->id == GAME_OVERLAY ? 0 : known->id, err) < 0)
        return -1;
    return change_note(watch->config.db, CHANGE_OVERLAY, known->id, false, err);
}

static int is_known(bool *ret, struct watch *watch, int64_t overlay, struct error *err)
{
    bool is_newer = false;

    if (change_is_after(&is_newer, watch->config.db, CHANGE_OVERLAY, overlay, watch->list_position,
                        err) < 0)
        return -1;
    watch->is_list_due = watch->is_list_due || is_newer;
    *ret = !is_newer;
    return 0;
}

static int write_row(struct watch *watch, const json_t *row, struct error *err)
{
    struct owned_overlay known;
    int64_t              id = json_integer_value(json_object_get(row, "overlay"));
    bool                 is_there = false;

    if (is_known(&is_there, watch, id, err) < 0)
        return -1;
    if (!is_there)
        return 0;
    if (owned_overlay_find(&known, watch->config.db, id, VIEWER_ALL, err) == 0)
        return compare(watch, &known, row, err);
    return err->kind == ERROR_NOT_FOUND ? add(watch, row, err) : -1;
}

static int write_rows(struct watch *watch, struct error *err)
{
    const json_t *row;
    size_t        i;

    json_array_foreach(watch->new_list, i, row) if (write_row(watch, row, err) < 0) return -1;
    return 0;
}

// One that a blueprint has stays, so that it can be seen what is missing.
static int remove_row(struct watch *watch, const struct owned_overlay *known, struct error *err)
{
    bool is_there = false;

    if (known->type == OVERLAY_GAME || find(watch->new_list, known->id))
        return 0;
    if (is_known(&is_there, watch, known->id, err) < 0)
        return -1;
    return !is_there || owned_overlay_remove(watch->config.db, known->id, err) == 0 ||
                   err->kind == ERROR_BUSY
               ? 0
               : -1;
}

static int remove_rows(struct watch *watch, struct error *err)
{
    struct owned_overlay known = { 0 };
    int                  r;

    while ((r = owned_overlay_next(&known, watch->config.db, known.id, VIEWER_ALL, err)) > 0)
        if (remove_row(watch, &known, err) < 0)
            return -1;
    return r;
}

int catalogue_write(struct watch *watch, struct error *err)
{
    if (!watch->new_list)
        return 0;
    return write_rows(watch, err) < 0 ? -1 : remove_rows(watch, err);
}
