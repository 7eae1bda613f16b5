// SPDX-License-Identifier: MIT
#include "priv/buildverbs.h"

#include <stdio.h>
#include <string.h>
#include "base/dir.h"
#include "base/fd.h"
#include "priv/lock.h"
#include "priv/specfile.h"

// What a kind of build may be run on.
static const enum overlay_type types[] = {
    [BUILD_UPDATE] = OVERLAY_GAME,       [BUILD_SCRIPT] = OVERLAY_SCRIPT,
    [BUILD_WORKSHOP] = OVERLAY_WORKSHOP, [BUILD_FILES] = OVERLAY_FILES,
    [BUILD_SELECT] = OVERLAY_TYPE_COUNT, [BUILD_COLLECT] = OVERLAY_TYPE_COUNT, // any
};
_Static_assert(ELEMENTS(types) == BUILD_KIND_COUNT, "every kind of build has a row");

static int tidy_number(struct call *call, enum tidy_action action, uint32_t number,
                       struct error *err)
{
    const struct tidy_request request = { .magic = PROTOCOL_MAGIC,
                                          .action = action,
                                          .number = number };

    return call->bus->tidy(call->bus->context, &request, call->lock_fd, err);
}

static int is_build_over(struct bus *bus, const struct build_spec *spec, bool *ret,
                         struct error *err)
{
    bool is_builder_over = false, is_publish_over = false;

    if (call_is_over(bus, unit_builder((enum build_kind)spec->kind, spec->build), &is_builder_over,
                     err) < 0 ||
        call_is_over(bus, unit_publish(spec->build), &is_publish_over, err) < 0)
        return -1;
    *ret = is_builder_over && is_publish_over;
    return 0;
}

// A helper that failed may have left something mounted, say since it was busy then.
static int take_scratch_down(struct bus *bus, struct unit_name mount, struct error *err)
{
    struct bus_unit_state state;

    if (call_stop_wait(bus, mount, err) < 0 ||
        bus->state(bus->context, mount.text, &state, err) < 0)
        return -1;
    return strcmp(state.active_state, "failed") == 0 ? call_clear_mount(bus, mount, err) : 0;
}

static int remove_build(struct call *call, const struct build_spec *spec, struct error *err)
{
    struct bus      *bus = call->bus;
    struct unit_name builder = unit_builder((enum build_kind)spec->kind, spec->build);
    struct unit_name mount = unit_build_mount(spec->build);
    struct unit_name publish = unit_publish(spec->build);

    if (take_scratch_down(bus, mount, err) < 0 ||
        tidy_number(call, TIDY_BUILD_REMOVE, spec->build, err) < 0 ||
        specfile_remove_build(spec->build, err) < 0)
        return -1;
    struct error ignored; // units that never failed have nothing to reset
    (void)bus->reset_failed(bus->context, builder.text, &ignored);
    (void)bus->reset_failed(bus->context, mount.text, &ignored);
    (void)bus->reset_failed(bus->context, publish.text, &ignored);
    return 0;
}

// What an earlier build of the same overlay left behind goes; one that still runs is an error.
static int collect_build(struct call *call, const char *id, uint32_t overlay, struct error *err)
{
    struct build_spec spec;
    bool              is_build_done = false;

    // Written by another version, or damaged: it says nothing, and must not stop every build to
    // come.
    if (specfile_read_build(&spec, id, err) < 0)
        return 0;
    if (spec.overlay != overlay)
        return 0;
    if (is_build_over(call->bus, &spec, &is_build_done, err) < 0)
        return -1;
    if (!is_build_done) {
        call->reply->build = spec.build;
        return error_set(err, ERROR_BUSY, "build %u of overlay %u is running", spec.build, overlay);
    }
    return remove_build(call, &spec, err);
}

int buildverbs_collect(struct call *call, uint32_t overlay, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    uint32_t    number;
    int         r;

    if (specfile_open_builds(&fd, err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        struct error ignored; // temporary files are not numbers
        if (number_name_parse(&number, name, &ignored) == 0 &&
            collect_build(call, name, overlay, err) < 0)
            return -1;
    }
    return r;
}

static int check_type(const struct request_build_start *request, struct error *err)
{
    enum overlay_type   wanted = types[request->kind];
    struct overlay_spec overlay = { .type = OVERLAY_GAME };

    if (request->overlay != GAME_OVERLAY &&
        specfile_read_overlay(&overlay, request->overlay, err) < 0)
        return -1;
    if (wanted != OVERLAY_TYPE_COUNT && wanted != (enum overlay_type)overlay.type)
        return error_set(err, ERROR_INVALID, "overlay %u is not of the type that this build makes",
                         request->overlay);
    return 0;
}

static int make_dirs(struct call *call, const struct build_spec *spec, struct error *err)
{
    if (!unit_has_builder((enum build_kind)spec->kind))
        return 0;
    if (spec->flags & BUILD_FRESH && spec->kind == BUILD_SCRIPT &&
        tidy_number(call, TIDY_OVERLAY_WIPE, spec->overlay, err) < 0)
        return -1;
    return tidy_number(call, TIDY_BUILD_CREATE, spec->build, err);
}

int build_start(struct call *call, struct error *err)
{
    const struct request_build_start *request = &call->request->build_start;
    struct build_spec                 spec = {
                        .magic = PROTOCOL_MAGIC,
                        .n_bytes = sizeof spec,
                        .kind = request->kind,
                        .overlay = request->overlay,
                        .base_generation = request->base_generation,
                        .keep = request->keep,
                        .flags = request->flags,
                        .output_max_bytes = request->output_max_bytes,
    };

    if (lock_take(&call->lock_fd, BUILDVERBS_LOCK, err) < 0 || check_type(request, err) < 0 ||
        buildverbs_collect(call, request->overlay, err) < 0 ||
        specfile_next_build(&spec.build, err) < 0)
        return -1;
    // Build numbers are never used twice, so they serve as numbers of generations as well.
    spec.new_generation = spec.build;
    if (specfile_write_build(&spec, err) < 0 || make_dirs(call, &spec, err) < 0)
        return -1;
    call->reply->build = spec.build;
    struct unit_name unit = unit_builder((enum build_kind)spec.kind, spec.build);
    return call->bus->start(call->bus->context, unit.text, &call->reply->job, err);
}

static int read_build(const struct call *call, struct build_spec *ret, struct error *err)
{
    char id[16];

    snprintf(id, sizeof id, "%u", call->request->build.build);
    return specfile_read_build(ret, id, err);
}

int build_stop(struct call *call, struct error *err)
{
    struct build_spec spec;

    if (read_build(call, &spec, err) < 0)
        return -1;
    struct unit_name unit = unit_builder((enum build_kind)spec.kind, spec.build);
    return call->bus->stop(call->bus->context, unit.text, &call->reply->job, err);
}

// A build that succeeds is published by its own unit (OnSuccess=). What is left to ask for is a
// second try of a publication that failed, say on a full disk; only a success led to the first.
int build_publish(struct call *call, struct error *err)
{
    struct build_spec     spec;
    struct bus_unit_state state;
    struct bus           *bus = call->bus;

    // Under the lock: its scratch may just be going.
    if (lock_take(&call->lock_fd, BUILDVERBS_LOCK, err) < 0 || read_build(call, &spec, err) < 0)
        return -1;
    struct unit_name unit = unit_publish(spec.build);
    if (bus->state(bus->context, unit.text, &state, err) < 0)
        return -1;
    if (strcmp(state.active_state, "failed") != 0)
        return error_set(err, ERROR_DENIED,
                         "build %u has no failed publication that could be tried again",
                         spec.build);
    if (bus->reset_failed(bus->context, unit.text, err) < 0)
        return -1;
    return bus->start(bus->context, unit.text, &call->reply->job, err);
}

int build_remove(struct call *call, struct error *err)
{
    struct build_spec spec;
    bool              is_build_done = false;

    if (lock_take(&call->lock_fd, BUILDVERBS_LOCK, err) < 0 || read_build(call, &spec, err) < 0 ||
        is_build_over(call->bus, &spec, &is_build_done, err) < 0)
        return -1;
    if (!is_build_done)
        return error_set(err, ERROR_BUSY, "build %u is running: stop it first", spec.build);
    return remove_build(call, &spec, err);
}
