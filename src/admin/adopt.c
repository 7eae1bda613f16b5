// SPDX-License-Identifier: MIT

// adopt: an instance that was made with l4d2ctl becomes a server of the page. Nothing on the host
// changes: what stands there is written down in the database, and the page goes on from it.

#include "admin/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include "admin/overlays.h"
#include "base/fd.h"
#include "host/instances.h"
#include "host/units.h"
#include "store/blueprint.h"
#include "store/server.h"

struct adoption {
    struct admin        *admin;
    struct instance_name name;
    struct instance     *instance; // owned
    char                 password[INSTANCE_PASSWORD_MAX + 1];
    int64_t              owner, blueprint, server;
};

static void adoption_done(struct adoption *adoption)
{
    instance_free(adoption->instance);
    sodium_memzero(adoption->password, sizeof adoption->password);
}

static int read_instance(struct adoption *adoption, struct error *err)
{
    const struct admin *admin = adoption->admin;
    struct server       server;
    AUTO_FD             fd = -1;

    if (instance_name_set(&adoption->name, admin->args[0], err) < 0)
        return -1;
    if (instances_is_of_page(&adoption->name))
        return error_set(err, ERROR_DENIED, "'%s' is a name of the page's servers already",
                         adoption->name.text);
    if (instances_load(&adoption->instance, &admin->places.host, &adoption->name, err) < 0 ||
        instances_open(&fd, &admin->places.host, &adoption->name, err) < 0 ||
        instances_load_password(adoption->password, fd, adoption->name.text, err) < 0)
        return -1;
    if (server_find_instance(&server, admin->db, adoption->name.text, err) == 0)
        return error_set(err, ERROR_EXISTS, "the page has '%s' already, as server %" PRId64,
                         adoption->name.text, server.id);
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

// ---- the blueprint -----------------------------------------------------------------------------

static bool exposes(const struct instance *instance, uint32_t overlay)
{
    for (uint32_t i = 0; i < instance->n_server_cfg_of; i++)
        if (instance->server_cfg_of[i] == overlay)
            return true;
    return false;
}

static int note_overlay(struct adoption *adoption, uint32_t number, struct error *err)
{
    struct source source;

    if (source_load(&source, &adoption->admin->places.host, number, err) < 0)
        return -1;
    return overlays_note(adoption->admin, &source, 0, err);
}

// There the lowest is the first, here the last.
static int take_overlays(struct blueprint_overlay *ret, struct adoption *adoption,
                         struct error *err)
{
    const struct instance *instance = adoption->instance;

    for (uint32_t i = 0; i < instance->n_overlays; i++) {
        uint32_t number = instance->overlays[instance->n_overlays - 1 - i];
        if (note_overlay(adoption, number, err) < 0)
            return -1;
        ret[i] = (struct blueprint_overlay){ .overlay = number,
                                             .exposes_server_cfg = exposes(instance, number) };
    }
    return 0;
}

static char *format_arguments(const struct strings *arguments)
{
    json_t *list = json_array();

    for (const char *s = NULL; (s = strings_next(arguments, s));)
        (void)json_array_append_new(list, json_string(s)); // seen to be missing
    char *text = json_array_size(list) == arguments->n ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static void format_config(struct buffer *text, const struct strings *lines)
{
    for (const char *s = NULL; (s = strings_next(lines, s));)
        buffer_printf(text, "%s\n", s);
}

static int add_blueprint(struct adoption *adoption, struct error *err)
{
    const struct instance          *instance = adoption->instance;
    AUTO(freep) char               *arguments = format_arguments(&instance->arguments);
    AUTO(buffer_done) struct buffer config = { 0 };
    struct blueprint_overlay        overlays[INSTANCE_OVERLAYS_MAX];
    struct blueprint                blueprint = { .owner = adoption->owner,
                                                  .arguments = arguments,
                                                  .memory_bytes = instance->limits.memory_bytes,
                                                  .cpu_percent = instance->limits.cpu_percent,
                                                  .tasks = instance->limits.tasks,
                                                  .n_overlays = instance->n_overlays,
                                                  .overlays = overlays,
                                                  .created_unix_s = admin_now_s() };
    char                            empty[] = "";

    format_config(&config, &instance->config);
    if (!arguments)
        return error_sys(err, ENOMEM, "making a blueprint");
    if (buffer_check(&config, err) < 0 || take_overlays(overlays, adoption, err) < 0)
        return -1;
    blueprint.config = config.n ? config.bytes : empty;
    (void)snprintf(blueprint.name, sizeof blueprint.name, "%.64s", adoption->name.text); // it fits
    return blueprint_add(&adoption->blueprint, adoption->admin->db, &blueprint, VIEWER_ALL, err);
}

// ---- the server --------------------------------------------------------------------------------

static bool is_enabled(const struct adoption *adoption)
{
    char path[PATH_MAX];
    int  n = snprintf(path, sizeof path, "%s/multi-user.target.wants/" UNIT_SERVER "%s.service",
                      adoption->admin->places.host.wants_dir, adoption->name.text);

    return n < (int)sizeof path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int add_server(struct adoption *adoption, struct error *err)
{
    const struct instance *instance = adoption->instance;
    struct admin          *admin = adoption->admin;
    struct server          server = { .owner = adoption->owner,
                                      .blueprint = adoption->blueprint,
                                      .ports = { .game = instance->port,
                                                 .client = instance->client_port,
                                                 .tv = instance->tv_port },
                                      .created_unix_s = admin_now_s() };

    (void)snprintf(server.name, sizeof server.name, "%.64s", adoption->name.text); // they fit
    (void)snprintf(server.instance, sizeof server.instance, "%.64s", adoption->name.text);
    (void)snprintf(server.hostname, sizeof server.hostname, "%s", instance->hostname);
    if (server_add(&adoption->server, admin->db, &server, &admin->key, adoption->password, err) <
            0 ||
        (is_enabled(adoption) && server_set_wanted(admin->db, adoption->server, true, err) < 0))
        return -1;
    if (!instance->own_overlay)
        return 0;
    return note_overlay(adoption, instance->own_overlay, err) < 0
               ? -1
               : server_set_overlay(admin->db, adoption->server, instance->own_overlay, err);
}

// ---- all of it ---------------------------------------------------------------------------------

static bool has_cpus(const struct instance *instance)
{
    for (size_t i = 0; i < ELEMENTS(instance->limits.cpus); i++)
        if (instance->limits.cpus[i])
            return true;
    return false;
}

static int adopt(struct adoption *adoption, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct admin                             *admin = adoption->admin;
    char                                      subject[40];

    if (transaction_begin(&transaction, admin->db, err) < 0 || read_instance(adoption, err) < 0 ||
        overlays_owner(&adoption->owner, admin, err) < 0 || add_blueprint(adoption, err) < 0 ||
        add_server(adoption, err) < 0)
        return -1;
    (void)snprintf(subject, sizeof subject, "server %" PRId64, adoption->server); // it fits
    if (admin_record(admin, "server.adopt", subject,
                     json_pack("{s:s}", "instance", adoption->name.text), err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

int adopt_run(struct admin *admin, struct error *err)
{
    AUTO(adoption_done) struct adoption adoption = { .admin = admin };

    if (adopt(&adoption, err) < 0)
        return -1;
    return admin_sayf(
        admin,
        json_pack("{s:I, s:s, s:I, s:b}", "server", (json_int_t)adoption.server, "instance",
                  adoption.name.text, "blueprint", (json_int_t)adoption.blueprint, "wanted",
                  (int)is_enabled(&adoption)),
        err, "'%s' is server %" PRId64 " of the page, with a blueprint of the same name.%s",
        adoption.name.text, adoption.server,
        has_cpus(adoption.instance)
            ? " Blueprints do not say which processors to run on: at the next start it runs on any."
            : "");
}

// ---- the way back ------------------------------------------------------------------------------

static int drop_blueprint(struct admin *admin, int64_t id, struct error *err)
{
    return blueprint_remove(admin->db, id, VIEWER_ALL, err) == 0 || err->kind == ERROR_BUSY ? 0
                                                                                            : -1;
}

int disown_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct instance_name                      name;
    struct server                             server;
    char                                      subject[40];

    if (instance_name_set(&name, admin->args[0], err) < 0)
        return -1;
    if (instances_is_of_page(&name))
        return error_set(err, ERROR_DENIED, "'%s' was made by the page: delete it there",
                         name.text);
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        server_find_instance(&server, admin->db, name.text, err) < 0 ||
        server_remove(admin->db, server.id, err) < 0 ||
        drop_blueprint(admin, server.blueprint, err) < 0)
        return -1;
    (void)snprintf(subject, sizeof subject, "server %" PRId64, server.id); // it fits
    if (admin_record(admin, "server.disown", subject, json_pack("{s:s}", "instance", name.text),
                     err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    return admin_sayf(admin, json_pack("{s:s}", "instance", name.text), err,
                      "'%s' is l4d2ctl's alone again; nothing of it has changed", name.text);
}
