// SPDX-License-Identifier: MIT

// export: blueprints with their overlays, or overlays alone, as one file for another machine.
//
//     blueprints/1.json     see recipe.h
//     sources/7/…           as in a backup; the numbers mean nothing elsewhere

#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "admin/overlays.h"
#include "admin/pack.h"
#include "admin/recipe.h"
#include "admin/sources.h"
#include "base/fd.h"
#include "host/source.h"

#define OVERLAYS_MAX_HERE 1024u // of one export

struct export
{
    struct admin *admin;
    struct pack  *pack;
    uint32_t      overlays[OVERLAYS_MAX_HERE]; // that are in it
    size_t        n_overlays;
    unsigned      n_blueprints;
};

// ---- overlays ----------------------------------------------------------------------------------

static int add_overlay(struct export *export, const struct source *source, struct error *err)
{
    for (size_t i = 0; i < export->n_overlays; i++)
        if (export->overlays[i] == source->number)
            return 0; // another blueprint has it as well
    if (source->type == OVERLAY_GAME || *source->server)
        return error_set(err, ERROR_INVALID, "'%s' stays with its machine: it is not exported",
                         source->title);
    if (export->n_overlays == OVERLAYS_MAX_HERE)
        return error_set(err, ERROR_INVALID, "more than %u overlays are too many",
                         OVERLAYS_MAX_HERE);
    export->overlays[export->n_overlays++] = source->number;
    return sources_pack(export->pack, &export->admin->places.host, source, NULL, err);
}

static int add_overlay_named(struct export *export, const char *name, struct error *err)
{
    struct source source;

    return source_find(&source, &export->admin->places.host, name, err) < 0
               ? -1
               : add_overlay(export, &source, err);
}

// ---- blueprints --------------------------------------------------------------------------------

// By its name; --owner tells those of several people apart.
static int find_blueprint(struct blueprint **ret, const struct admin *admin, const char *name,
                          struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *found = NULL;
    const char                             *owner = admin->option[OPTION_OWNER];
    int64_t                                 id = 0;
    int                                     r;

    for (;;) {
        AUTO(blueprint_freep) struct blueprint *next = NULL;
        r = blueprint_next(&next, admin->db, id, VIEWER_ALL, err);
        if (r <= 0)
            break;
        id = next->id;
        if (strcasecmp(next->name, name) != 0 ||
            (owner && strcasecmp(next->owner_name, owner) != 0))
            continue;
        if (found)
            return error_set(err, ERROR_INVALID,
                             "several people have a blueprint '%s': say --owner", found->name);
        found = TAKE(next);
    }
    if (r < 0)
        return -1;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, "there is no such blueprint");
    *ret = TAKE(found);
    return 0;
}

static int add_blueprint(struct export *export, const char *name, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;
    AUTO(freep) char                       *text = NULL;
    char                                    path[40];

    if (find_blueprint(&blueprint, export->admin, name, err) < 0)
        return -1;
    text = recipe_format(blueprint);
    if (!text)
        return error_sys(err, ENOMEM, "writing the blueprint '%s'", blueprint->name);
    (void)snprintf(path, sizeof path, "blueprints/%u.json", ++export->n_blueprints); // it fits
    if (pack_add_bytes(export->pack, path, text, strlen(text), err) < 0)
        return -1;
    for (size_t i = 0; i < blueprint->n_overlays; i++) {
        struct source source;
        if (source_load(&source, &export->admin->places.host,
                        (uint32_t)blueprint->overlays[i].overlay, err) < 0 ||
            add_overlay(export, &source, err) < 0)
            return -1;
    }
    return 0;
}

// ---- all of it ---------------------------------------------------------------------------------

static const struct kind_row {
    const char *word;
    int (*add)(struct export *export, const char *name, struct error *err);
} kinds[] = { { "blueprint", add_blueprint }, { "overlay", add_overlay_named } };

static const struct kind_row *find_kind(const char *word)
{
    for (size_t i = 0; i < ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    return NULL;
}

static int write_all(struct admin *admin, void *context, struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;
    AUTO(pack_freep) struct pack          *pack = NULL;
    AUTO(freep) struct export *export = calloc(1, sizeof *export);
    struct manifest        manifest = { .kind = MANIFEST_EXPORT,
                                        .version = PROJECT_VERSION,
                                        .made_unix_s = admin_now_s() };
    const struct kind_row *kind = find_kind(admin->args[0]);

    (void)context;
    if (!export || !kind)
        return error_sys(err, ENOMEM, "beginning an archive");
    if (database_open(&db, admin->places.database, err) < 0 ||
        pack_begin(&pack, admin->fd, &manifest, err) < 0)
        return -1;
    admin->db = db;
    export->admin = admin;
    export->pack = pack;
    for (size_t i = 1; i + 1 < admin->n_args; i++)
        if (kind->add(export, admin->args[i], err) < 0)
            return error_prefix(err, "'%.80s'", admin->args[i]);
    if (pack_finish(pack, &manifest, err) < 0)
        return -1;
    return admin_sayf(admin,
                      json_pack("{s:s, s:i, s:i}", "file", admin->args[admin->n_args - 1],
                                "blueprints", (int)export->n_blueprints, "overlays",
                                (int)export->n_overlays),
                      err, "%s: %u blueprints, %zu overlays", admin->args[admin->n_args - 1],
                      export->n_blueprints, export->n_overlays);
}

int export_prepare(struct admin *admin, struct error *err)
{
    const char *file = admin->args[admin->n_args - 1];

    if (!find_kind(admin->args[0]))
        return error_set(err, ERROR_INVALID, "say what is to be exported: blueprint or overlay");
    admin->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return admin->fd < 0 ? error_sys(err, errno, "creating '%s'", file) : 0;
}

int export_run(struct admin *admin, struct error *err)
{
    const struct admin_part part = { .user = ADMIN_USER, .run = write_all };
    int                     r = admin_run_as(admin, &part, err);

    if (r < 0)
        (void)unlink(admin->args[admin->n_args - 1]); // a part of one is worth nothing
    return r;
}
