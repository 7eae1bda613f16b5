// SPDX-License-Identifier: MIT

// restoreplace: overlays and instances of a backup get to where they were.
//
// The numbers of overlays are the broker's to hand out, one after the other, and never twice. So it
// is asked until the wanted one comes, and those before that are given back: they are gaps, as they
// were where the backup is from. One that has been handed out here already cannot be had again.

#include "admin/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "admin/sources.h"
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "host/broker.h"
#include "host/instances.h"
#include "host/source.h"

#define GAPS_MAX    100000u // numbers that are asked for to get at one
#define NUMBER_ROOM 16u

// ---- their numbers -----------------------------------------------------------------------------

static int give_back(const struct admin *admin, uint32_t number, struct error *err)
{
    struct reply reply;

    return broker_overlay_remove(&admin->places.host, number, &reply, err);
}

static int ask_for(const struct admin *admin, const struct source *wanted, struct error *err)
{
    struct reply reply;
    struct error ignored; // what is to be said is worse

    for (unsigned i = 0; i < GAPS_MAX; i++) {
        if (broker_overlay_create(&admin->places.host, wanted->type, &reply, err) < 0)
            return -1;
        if (reply.overlay == wanted->number)
            return 0;
        if (reply.overlay > wanted->number) {
            (void)!give_back(admin, reply.overlay, &ignored);
            return error_set(err, ERROR_EXISTS,
                             "the number %" PRIu32
                             " of overlay '%s' was handed out on this machine "
                             "already: restore to a fresh one",
                             wanted->number, wanted->title);
        }
        if (give_back(admin, reply.overlay, err) < 0)
            return -1;
    }
    return error_set(err, ERROR_INVALID, "the number %" PRIu32 " of overlay '%s' is too high",
                     wanted->number, wanted->title);
}

static int reserve(const struct admin *admin, const struct source *wanted, struct error *err)
{
    struct source there;

    if (source_load(&there, &admin->places.host, wanted->number, err) == 0) {
        if (there.type == wanted->type)
            return 0;
        return error_set(err, ERROR_EXISTS,
                         "overlay %" PRIu32 " is of another type here: delete it, or restore to a "
                         "fresh machine",
                         wanted->number);
    }
    return err->kind == ERROR_NOT_FOUND ? ask_for(admin, wanted, err) : -1;
}

// ---- what is in them ---------------------------------------------------------------------------

static int place_text(int from_fd, int to_fd, const char *name, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;

    if (fd_read_file(&bytes, &n, from_fd, name, SOURCE_TEXT_MAX, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // it has none yet
    return fd_replace_file(to_fd, name, bytes, n, 0600, err);
}

// One that was there before goes, with what was counted of it.
static int place_tree(int from_fd, int to_fd, struct error *err)
{
    if (faccessat(from_fd, "tree", F_OK, 0) < 0)
        return 0; // nothing was put there yet
    if (tree_remove(to_fd, "tree", err) < 0 || tree_remove(to_fd, ".work", err) < 0)
        return -1;
    return renameat(from_fd, "tree", to_fd, "tree") < 0
               ? error_sys(err, errno, "moving a tree to its place")
               : 0;
}

// source.json is written last: it says that all is there.
static int place_source(const struct admin *admin, int sources_fd, const struct source *source,
                        struct error *err)
{
    const char *text = source_text_file(source->type);
    AUTO_FD     from_fd = -1;
    AUTO_FD     to_fd = -1;
    char        name[NUMBER_ROOM];

    (void)snprintf(name, sizeof name, "%" PRIu32, source->number); // ten digits fit
    if (reserve(admin, source, err) < 0 || fd_open_dir(&from_fd, sources_fd, name, err) < 0 ||
        source_open(&to_fd, &admin->places.host, source->number, err) < 0 ||
        (text && place_text(from_fd, to_fd, text, err) < 0) ||
        (source->type == OVERLAY_FILES && place_tree(from_fd, to_fd, err) < 0))
        return error_prefix(err, "overlay '%s'", source->title);
    return source_save(source, &admin->places.host, err);
}

static int place_sources(const struct admin *admin, struct error *err)
{
    AUTO(freep) struct source *sources = calloc(SOURCES_MAX, sizeof *sources);
    AUTO_FD                    fd = -1;
    AUTO_FD                    lock_fd = -1;
    size_t                     n = 0;

    if (!sources)
        return error_sys(err, ENOMEM, "restoring the overlays");
    if (restore_open_stage(&fd, admin, "sources", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // there were none
    if (sources_list_unpacked(sources, &n, fd, err) < 0 ||
        source_lock(&lock_fd, &admin->places.host, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (place_source(admin, fd, &sources[i], err) < 0)
            return -1;
    return 0;
}

// ---- instances ---------------------------------------------------------------------------------

static int load_spec(struct instance **ret, int fd, const char *name, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;
    struct error      ignored; // then a new one is made

    if (fd_read_file(&bytes, &n, fd, INSTANCE_SPEC_FILE, INSTANCE_BYTES_MAX, err) < 0 ||
        instance_parse(ret, name, bytes, n, err) < 0)
        return -1;
    (void)!instances_load_password((*ret)->rcon_password, fd, name, &ignored);
    return 0;
}

static int place_own_overlay(int from_fd, int to_fd, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;

    if (fd_read_file(&bytes, &n, from_fd, "own_overlay", NUMBER_ROOM, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // it has none
    return fd_replace_file(to_fd, "own_overlay", bytes, n, 0600, err);
}

static int open_instance(int *ret, const struct admin *admin, const struct instance_name *name,
                         struct error *err)
{
    struct reply reply;

    if (instances_open(ret, &admin->places.host, name, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND ||
        broker_instance(&admin->places.host, VERB_INSTANCE_CREATE, name, &reply, err) < 0)
        return -1;
    return instances_open(ret, &admin->places.host, name, err);
}

// One whose making was not finished has no specification, and is left out.
static int place_instance(const struct admin *admin, int instances_fd, const char *text,
                          struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    struct instance_name                  name;
    AUTO_FD                               from_fd = -1;
    AUTO_FD                               to_fd = -1;

    if (instance_name_set(&name, text, err) < 0 ||
        fd_open_dir(&from_fd, instances_fd, text, err) < 0)
        return -1;
    if (load_spec(&instance, from_fd, text, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (instances_check_ports(&admin->places.host, &name, instance, err) < 0 ||
        open_instance(&to_fd, admin, &name, err) < 0 ||
        place_own_overlay(from_fd, to_fd, err) < 0 || instances_save(to_fd, instance, err) < 0)
        return -1;
    return 0;
}

static int place_instances(const struct admin *admin, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_FD     all_fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (restore_open_stage(&fd, admin, "instances", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // there were none
    if (host_open_data_dir(&all_fd, &admin->places.host, "instances", err) < 0 ||
        host_lock(all_fd, "the instances", err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (place_instance(admin, fd, name, err) < 0)
            return error_prefix(err, "server '%.64s'", name);
    return r;
}

int restore_place(struct admin *admin, void *context, struct error *err)
{
    (void)context;
    return place_sources(admin, err) < 0 ? -1 : place_instances(admin, err);
}
