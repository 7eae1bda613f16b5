// SPDX-License-Identifier: MIT

// import: blueprints and overlays of an export come to this machine. All of the file is checked,
// and so is every name, before anything is made.

#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/overlays.h"
#include "admin/recipe.h"
#include "admin/restore.h"
#include "admin/sources.h"
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"

#define RECIPES_MAX 1024u
#define TRIES_MAX   1000u // for a name that is free
#define NUMBER_ROOM 16u

struct overlay_import {
    struct source source;                   // as it is to be here
    char          was[SOURCE_NAME_MAX + 1]; // its name in the file
    uint32_t      from;                     // its number there
    bool          is_there;
};

struct blueprint_import {
    struct recipe *recipe;   // owned
    int64_t        there;    // the one to be replaced; 0: none
    int64_t        revision; // of that
};

struct import {
    struct admin            *admin;
    int64_t                  owner;
    struct overlay_import   *overlays;
    struct blueprint_import *blueprints;
    size_t                   n_overlays, n_blueprints;
};

static void import_done(struct import *import)
{
    for (size_t i = 0; i < import->n_blueprints; i++)
        recipe_freep(&import->blueprints[i].recipe);
    free(import->blueprints);
    free(import->overlays);
}

static int is_taken(const char *what, const char *name, struct error *err)
{
    return error_set(err, ERROR_EXISTS,
                     "there is %s '%s' already: --rename gives the new one another name, --replace "
                     "puts it in the other's place",
                     what, name);
}

// ---- overlays ----------------------------------------------------------------------------------

static int is_free_here(bool *ret, const struct import *import, const char *name, struct error *err)
{
    struct source there;

    *ret = source_find(&there, &import->admin->places.host, name, err) < 0;
    if (*ret && err->kind != ERROR_NOT_FOUND)
        return -1;
    for (size_t i = 0; i < import->n_overlays; i++)
        if (strcmp(import->overlays[i].source.name, name) == 0)
            *ret = false;
    return 0;
}

static int rename_overlay(struct import *import, struct overlay_import *overlay, struct error *err)
{
    char name[SOURCE_NAME_MAX + 1];
    bool is_free = false;

    for (unsigned i = 2; i < TRIES_MAX && !is_free; i++) {
        (void)snprintf(name, sizeof name, "%.*s-%u", (int)SOURCE_NAME_MAX - 5, overlay->was,
                       i); // it fits
        if (is_free_here(&is_free, import, name, err) < 0)
            return -1;
    }
    return is_free ? source_set_name(&overlay->source, name, err)
                   : is_taken("an overlay", overlay->was, err);
}

// What becomes of it. Nothing is made yet.
static int plan_overlay(struct import *import, struct overlay_import *overlay, struct error *err)
{
    struct source there;

    if (source_find(&there, &import->admin->places.host, overlay->was, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (admin_has(import->admin, OPTION_RENAME))
        return rename_overlay(import, overlay, err);
    if (!admin_has(import->admin, OPTION_REPLACE))
        return is_taken("an overlay", overlay->was, err);
    if (there.type != overlay->source.type)
        return error_set(err, ERROR_EXISTS, "the overlay '%s' is of another type here",
                         overlay->was);
    overlay->source.number = there.number;
    overlay->is_there = true;
    return 0;
}

static int plan_overlays(struct import *import, struct error *err)
{
    AUTO(freep) struct source *sources = calloc(SOURCES_MAX, sizeof *sources);
    AUTO_FD                    fd = -1;
    size_t                     n = 0;

    import->overlays = calloc(SOURCES_MAX, sizeof *import->overlays);
    if (!sources || !import->overlays)
        return error_sys(err, ENOMEM, "reading an archive");
    if (restore_open_stage(&fd, import->admin, "sources", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (sources_list_unpacked(sources, &n, fd, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct overlay_import *overlay = &import->overlays[i];
        if (*sources[i].server)
            return error_set(err, ERROR_INVALID, "the archive has the overlay of a server");
        *overlay = (struct overlay_import){ .source = sources[i], .from = sources[i].number };
        (void)snprintf(overlay->was, sizeof overlay->was, "%s", sources[i].name); // as long
        import->n_overlays = i + 1;
        if (plan_overlay(import, overlay, err) < 0)
            return -1;
    }
    return 0;
}

static int put_overlay(struct import *import, struct overlay_import *overlay, int sources_fd,
                       struct error *err)
{
    const char            *file = source_text_file(overlay->source.type);
    AUTO(freep) char      *text = NULL;
    AUTO_FD                fd = -1;
    struct overlay_content content = { .dir_fd = -1 };
    enum overlay_change    change;
    char                   name[NUMBER_ROOM];

    (void)snprintf(name, sizeof name, "%" PRIu32, overlay->from); // ten digits fit
    if (fd_open_dir(&fd, sources_fd, name, err) < 0)
        return -1;
    if (file && fd_read_file(&text, &content.n_text, fd, file, SOURCE_TEXT_MAX, err) < 0 &&
        err->kind != ERROR_NOT_FOUND)
        return -1;
    content.text = text;
    if (faccessat(fd, "tree", F_OK, 0) == 0)
        content.dir_fd = fd;
    if (overlay->is_there)
        return overlays_change(&change, import->admin, &overlay->source, &content, err);
    return overlays_create(import->admin, &overlay->source, &content, import->owner, err);
}

static int put_overlays(struct import *import, struct error *err)
{
    AUTO_FD fd = -1;

    if (import->n_overlays == 0)
        return 0;
    if (restore_open_stage(&fd, import->admin, "sources", err) < 0)
        return -1;
    for (size_t i = 0; i < import->n_overlays; i++)
        if (put_overlay(import, &import->overlays[i], fd, err) < 0)
            return error_prefix(err, "overlay '%s'", import->overlays[i].was);
    return 0;
}

// ---- blueprints --------------------------------------------------------------------------------

// The one of that name that the owner has; 0: he has none.
static int find_there(int64_t *ret, int64_t *ret_revision, const struct import *import,
                      const char *name, struct error *err)
{
    int64_t id = 0;
    int     r;

    *ret = 0;
    for (;;) {
        AUTO(blueprint_freep) struct blueprint *next = NULL;
        r = blueprint_next(&next, import->admin->db, id, VIEWER_ALL, err);
        if (r <= 0)
            return r;
        id = next->id;
        if (next->owner == import->owner && strcasecmp(next->name, name) == 0) {
            *ret = id;
            *ret_revision = next->revision;
        }
    }
}

static int rename_blueprint(struct import *import, struct blueprint *blueprint, struct error *err)
{
    char    was[NAME_MAX_BYTES];
    int64_t there = 1, ignored;

    (void)strcpy(was, blueprint->name); // as long
    for (unsigned i = 2; i < TRIES_MAX && there; i++) {
        int n = (int)strlen(was);
        for (; n > (int)NAME_MAX_BYTES - 6 || (was[n] & 0xc0) == 0x80; n--)
            continue; // not within a character
        (void)snprintf(blueprint->name, sizeof blueprint->name, "%.*s %u", n, was, i); // it fits
        if (find_there(&there, &ignored, import, blueprint->name, err) < 0)
            return -1;
    }
    return there ? is_taken("a blueprint", was, err) : 0;
}

static int plan_blueprint(struct import *import, struct blueprint_import *blueprint,
                          struct error *err)
{
    const char *name = blueprint->recipe->blueprint.name;

    if (find_there(&blueprint->there, &blueprint->revision, import, name, err) < 0)
        return -1;
    if (!blueprint->there || admin_has(import->admin, OPTION_REPLACE))
        return 0;
    if (!admin_has(import->admin, OPTION_RENAME))
        return is_taken("a blueprint", name, err);
    blueprint->there = 0;
    return rename_blueprint(import, &blueprint->recipe->blueprint, err);
}

static int read_recipe(struct import *import, int fd, const char *name, struct error *err)
{
    AUTO(freep) char        *bytes = NULL;
    size_t                   n = 0;
    struct blueprint_import *blueprint = &import->blueprints[import->n_blueprints];

    if (import->n_blueprints == RECIPES_MAX)
        return error_set(err, ERROR_INVALID, "the archive has more than %u blueprints",
                         RECIPES_MAX);
    if (fd_read_file(&bytes, &n, fd, name, RECIPE_MAX, err) < 0 ||
        recipe_parse(&blueprint->recipe, bytes, n, err) < 0)
        return error_prefix(err, "blueprint %.40s in the archive", name);
    import->n_blueprints++;
    return plan_blueprint(import, blueprint, err);
}

static int plan_blueprints(struct import *import, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    import->blueprints = calloc(RECIPES_MAX, sizeof *import->blueprints);
    if (!import->blueprints)
        return error_sys(err, ENOMEM, "reading an archive");
    if (restore_open_stage(&fd, import->admin, "blueprints", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (read_recipe(import, fd, name, err) < 0)
            return -1;
    return r;
}

// Those of the file by what became of them, others by their names here.
static int find_overlay(int64_t *ret, const struct import *import, const char *name,
                        struct error *err)
{
    struct source there;

    for (size_t i = 0; i < import->n_overlays; i++)
        if (strcmp(import->overlays[i].was, name) == 0) {
            *ret = import->overlays[i].source.number;
            return 0;
        }
    if (source_find(&there, &import->admin->places.host, name, err) < 0)
        return -1;
    *ret = there.number;
    return 0;
}

static int put_blueprint(struct import *import, struct blueprint_import *wanted, struct error *err)
{
    struct blueprint *blueprint = &wanted->recipe->blueprint;
    struct database  *db = import->admin->db;
    char              subject[40];

    for (size_t i = 0; i < blueprint->n_overlays; i++)
        if (find_overlay(&blueprint->overlays[i].overlay, import, blueprint->overlays[i].name,
                         err) < 0)
            return -1;
    blueprint->owner = import->owner;
    blueprint->created_unix_s = blueprint->changed_unix_s = admin_now_s();
    blueprint->id = wanted->there;
    blueprint->revision = wanted->revision;
    int r = wanted->there ? blueprint_replace(db, blueprint, VIEWER_ALL, err)
                          : blueprint_add(&blueprint->id, db, blueprint, VIEWER_ALL, err);
    if (r < 0)
        return -1;
    (void)snprintf(subject, sizeof subject, "blueprint %" PRId64, blueprint->id); // it fits
    return admin_record(import->admin, wanted->there ? "blueprint.change" : "blueprint.create",
                        subject, json_pack("{s:s}", "name", blueprint->name), err);
}

static int put_blueprints(struct import *import, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };

    if (transaction_begin(&transaction, import->admin->db, err) < 0)
        return -1;
    for (size_t i = 0; i < import->n_blueprints; i++)
        if (put_blueprint(import, &import->blueprints[i], err) < 0)
            return error_prefix(err, "blueprint '%s'",
                                import->blueprints[i].recipe->blueprint.name);
    return transaction_commit(&transaction, err);
}

// ---- all of it ---------------------------------------------------------------------------------

static int unpack(struct admin *admin, struct error *err)
{
    struct pack_options options = { .program = admin->places.unpack, .kind = MANIFEST_EXPORT };
    struct manifest     manifest;
    AUTO_FD             dir_fd = -1;
    AUTO_FD             fd = -1;

    if (restore_open_dir(&dir_fd, admin, err) < 0 || tree_remove(dir_fd, RESTORE_DIR, err) < 0)
        return -1;
    if (mkdirat(dir_fd, RESTORE_DIR, 0700) < 0)
        return error_sys(err, errno, "making a directory beside the database");
    if (fd_open_dir(&fd, dir_fd, RESTORE_DIR, err) < 0)
        return -1;
    options.to_fd = fd;
    (void)umask(027); // as files of overlays are
    int r = pack_read(&manifest, admin->fd, &options, err);
    (void)umask(077);
    return r;
}

static int say_made(const struct import *import, struct error *err)
{
    const struct admin *admin = import->admin;

    for (size_t i = 0; i < import->n_overlays; i++) {
        const struct overlay_import *overlay = &import->overlays[i];
        if (admin_sayf(admin,
                       json_pack("{s:I, s:s, s:s}", "overlay", (json_int_t)overlay->source.number,
                                 "name", overlay->source.name, "state",
                                 overlay->is_there ? "replaced" : "created"),
                       err, "overlay %" PRIu32 " '%s' %s", overlay->source.number,
                       overlay->source.name, overlay->is_there ? "replaced" : "created") < 0)
            return -1;
    }
    for (size_t i = 0; i < import->n_blueprints; i++) {
        const struct blueprint *blueprint = &import->blueprints[i].recipe->blueprint;
        const char             *state = import->blueprints[i].there ? "replaced" : "created";
        if (admin_sayf(admin,
                       json_pack("{s:I, s:s, s:s}", "blueprint", (json_int_t)blueprint->id, "name",
                                 blueprint->name, "state", state),
                       err, "blueprint %" PRId64 " '%s' %s", blueprint->id, blueprint->name,
                       state) < 0)
            return -1;
    }
    return 0;
}

static int import_all(struct admin *admin, struct error *err)
{
    AUTO(import_done) struct import import = { .admin = admin };
    AUTO_FD                         lock_fd = -1;

    // One at a time: they unpack to the same place.
    if (restore_open_dir(&lock_fd, admin, err) < 0 || host_lock(lock_fd, "an archive", err) < 0 ||
        overlays_owner(&import.owner, admin, err) < 0 || unpack(admin, err) < 0 ||
        plan_overlays(&import, err) < 0 || plan_blueprints(&import, err) < 0 ||
        put_overlays(&import, err) < 0 || put_blueprints(&import, err) < 0)
        return -1;
    return say_made(&import, err);
}

int import_prepare(struct admin *admin, struct error *err)
{
    if (admin_has(admin, OPTION_RENAME) && admin_has(admin, OPTION_REPLACE))
        return error_set(err, ERROR_INVALID, "--rename or --replace, not both");
    admin->fd = open(admin->args[0], O_RDONLY | O_CLOEXEC);
    return admin->fd < 0 ? error_sys(err, errno, "opening '%s'", admin->args[0]) : 0;
}

int import_run(struct admin *admin, struct error *err)
{
    struct error ignored; // the next one removes it
    int          code = import_all(admin, err);

    (void)!restore_clean(admin, NULL, &ignored);
    return code;
}
