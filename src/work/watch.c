// SPDX-License-Identifier: MIT
#include "work/watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/log.h"
#include "host/units.h"
#include "host/verdict.h"
#include "store/change.h"

#define WRITE_MS    2u // states that come within so long are written together
#define AGAIN_MS    250u
#define ACCURACY_US 1000u

static const char *const prefixes[] = { UNIT_SERVER, UNIT_PUBLISH, NULL };

int64_t watch_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// ---- servers ----------------------------------------------------------------------------------

struct watched *watch_find(const struct watch *watch, int64_t server)
{
    struct watched *one = watch->all;

    while (one && one->id != server)
        one = one->next;
    return one;
}

static struct watched *find_instance(const struct watch *watch, const char *instance)
{
    struct watched *one = watch->all;

    while (one && strcmp(one->instance, instance) != 0)
        one = one->next;
    return one;
}

static void remove_watched(struct watch *watch, struct watched *one)
{
    struct watched **at = &watch->all;

    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    lookup_leave(one);
    present_leave(one);
    free(one->status);
    free(one);
}

static int add_watched(struct watch *watch, const struct server *server, struct error *err)
{
    struct live     known;
    struct watched *one = calloc(1, sizeof *one);

    if (!one || live_find(&known, watch->config.db, server->id, err) < 0) {
        free(one);
        return one ? -1 : error_sys(err, ENOMEM, "watching a server");
    }
    one->watch = watch;
    one->id = server->id;
    memcpy(one->instance, server->instance, sizeof one->instance);
    one->state = known.state;
    one->since_us = known.changed_us;
    one->status = *known.status ? TAKE(known.status) : NULL;
    live_done(&known);
    one->is_due = one->is_written = true;
    // One that has come after the states have: the init system has nothing of it to tell.
    if (watch->is_complete) {
        one->state = LIVE_STOPPED;
        one->is_written = false;
    }
    one->next = watch->all;
    watch->all = one;
    return 0;
}

int watch_make_due(struct watch *watch, int64_t overlay, struct error *err)
{
    const struct server_filter filter = { .overlay = overlay };
    struct server              server = { 0 };
    int                        r;

    while ((r = server_next(&server, watch->config.db, server.id, &filter, err)) > 0) {
        struct watched *one = watch_find(watch, server.id);
        if (one)
            one->is_due = true;
    }
    return r;
}

// ---- what has changed in the database ---------------------------------------------------------

static int take_server(struct watch *watch, const struct change *change, struct error *err)
{
    struct watched *one = watch_find(watch, change->object);
    struct server   server;

    if (change->is_deleted) {
        if (one)
            remove_watched(watch, one);
        return 0;
    }
    if (one) {
        one->is_due = true;
        return 0;
    }
    if (server_find(&server, watch->config.db, change->object, VIEWER_ALL, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    return add_watched(watch, &server, err);
}

// It changes also when one more server uses it, which is nothing to the others.
static int take_blueprint(struct watch *watch, int64_t blueprint, struct error *err)
{
    const struct server_filter filter = { .blueprint = blueprint };
    struct server              server = { 0 };
    int                        r;

    while ((r = server_next(&server, watch->config.db, server.id, &filter, err)) > 0) {
        struct watched *one = watch_find(watch, server.id);
        bool            is_new = false;
        if (one && one->status && lookup_has_new_spec(&is_new, one, err) < 0)
            return -1;
        if (one && is_new)
            one->is_due = true;
    }
    return r;
}

static int take_change(struct watch *watch, const struct change *change, struct error *err)
{
    switch (change->topic) {
    case CHANGE_SERVER:
        return take_server(watch, change, err);
    case CHANGE_BLUEPRINT:
        return take_blueprint(watch, change->object, err);
    case CHANGE_OVERLAY:
        return watch_make_due(watch, change->object, err);
    case CHANGE_PLAYERS:
    case CHANGE_JOB:
    case CHANGE_USER:
    case CHANGE_MACHINE:
    case CHANGE_TOPICS:
        break;
    }
    return 0;
}

static int follow(struct watch *watch, struct error *err)
{
    struct change change;
    int           r;

    while ((r = change_next(&change, watch->config.db, watch->position, err)) > 0) {
        if (take_change(watch, &change, err) < 0)
            return -1;
        watch->position = change.number;
    }
    return r;
}

// ---- writing ----------------------------------------------------------------------------------

void watch_write_soon(struct watch *watch)
{
    if (watch->is_armed)
        return;
    watch->is_armed = true;
    (void)sd_event_source_set_time_relative(watch->writer, WRITE_MS * UINT64_C(1000));
    (void)sd_event_source_set_enabled(watch->writer, SD_EVENT_ONESHOT); // neither has a way to fail
}

static int write_states(struct watch *watch, bool *ret_is_new, struct error *err)
{
    for (struct watched *one = watch->all; one; one = one->next) {
        const struct live live = { one->state, one->since_us, one->status };
        bool              is_new = false;
        if (one->is_written)
            continue;
        if (live_set(&is_new, watch->config.db, one->id, &live, err) < 0 &&
            err->kind != ERROR_NOT_FOUND) // it goes in the next turn
            return -1;
        *ret_is_new = *ret_is_new || is_new;
    }
    return 0;
}

// What others have changed is looked at first: what is written here is not to be looked at again.
static int write_all(struct watch *watch, bool *ret_is_new, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    int64_t                                   position = 0;

    if (transaction_begin(&transaction, watch->config.db, err) < 0 || follow(watch, err) < 0 ||
        write_states(watch, ret_is_new, err) < 0 || present_write(watch, ret_is_new, err) < 0 ||
        catalogue_write(watch, err) < 0 || change_newest(&position, watch->config.db, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    *ret_is_new = *ret_is_new || position > watch->position;
    watch->position = position;
    return 0;
}

static void take_written(struct watch *watch)
{
    for (struct watched *one = watch->all; one; one = one->next) {
        one->is_written = true;
        present_written(one);
    }
    if (watch->new_list) {
        json_decref(watch->list);
        watch->list = TAKE(watch->new_list);
    }
}

static int on_write(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    struct error  err;
    bool          is_new = false;

    (void)usec;
    watch->is_armed = false;
    if (write_all(watch, &is_new, &err) < 0) {
        if (!watch->is_in_trouble)
            log_line(LEVEL_WARNING, "what servers do is kept until it can be written: %s",
                     err.message);
        watch->is_in_trouble = watch->is_armed = true;
        (void)sd_event_source_set_time_relative(source, AGAIN_MS * UINT64_C(1000));
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT); // neither has a way to fail
        return 0;
    }
    watch->is_in_trouble = false;
    take_written(watch);
    if (is_new)
        watch->config.changed(watch->config.context);
    lookup_some(watch);
    return 0;
}

// ---- what the init system says ----------------------------------------------------------------

static void set_state(struct watched *one, enum live_state state, uint64_t since_us)
{
    bool is_same = one->state == state, is_known = one->state != LIVE_UNKNOWN;

    one->is_seen = true;
    if (is_same && (!since_us || one->since_us == (int64_t)since_us)) {
        present_look(one, false);
        return;
    }
    one->state = state;
    one->since_us = since_us ? (int64_t)since_us : is_known ? watch_now_us() : 0;
    one->is_written = false;
    one->is_due = true;
    present_look(one, true);
    watch_write_soon(one->watch);
}

static void take_publisher(struct watch *watch, const struct states_unit *unit)
{
    if (strcmp(unit->active_state, "inactive") != 0 && strcmp(unit->active_state, "failed") != 0)
        return;
    watch->is_list_due = true;
    watch_write_soon(watch);
}

// A unit that is gone says nothing of when it was stopped, and it may be long ago.
static void take_unit(void *context, const struct states_unit *unit)
{
    struct watch   *watch = context;
    struct watched *one = NULL;

    if (strcmp(unit->prefix, UNIT_PUBLISH) == 0)
        take_publisher(watch, unit);
    else
        one = find_instance(watch, unit->name);
    if (one)
        set_state(one, live_state_of(verdict_state_word(unit->active_state, unit->sub_state)),
                  unit->since_us);
}

static void take_complete(void *context)
{
    struct watch *watch = context;

    for (struct watched *one = watch->all; one; one = one->next) {
        if (!one->is_seen)
            set_state(one, LIVE_STOPPED, 0);
        one->is_seen = false;
    }
    watch->is_complete = true;
    watch->is_list_due = true; // others may make overlays as well
    watch_write_soon(watch);
}

static const struct states_handler handler = { take_unit, take_complete };

// ---- for its user -----------------------------------------------------------------------------

void watch_look(struct watch *watch)
{
    watch_write_soon(watch);
}

void watch_players(struct watch *watch)
{
    census_watch(watch->census);
}

void watch_job_ended(struct watch *watch, const struct job *job)
{
    struct watched *one = job->server ? watch_find(watch, job->server) : NULL;

    if (one)
        one->is_due = true;
    watch->is_list_due =
        watch->is_list_due || !job->server || strcmp(job->kind, "server.keep") == 0;
    watch_write_soon(watch);
}

static int read_servers(struct watch *watch, struct error *err)
{
    const struct server_filter all = { .viewer = VIEWER_ALL };
    struct server              server = { 0 };
    int                        r = change_newest(&watch->position, watch->config.db, err);

    while (r >= 0 && (r = server_next(&server, watch->config.db, server.id, &all, err)) > 0)
        r = add_watched(watch, &server, err);
    return r;
}

static void closep(struct watch **watch)
{
    (void)watch_close(*watch);
}

int watch_open(struct watch **ret, const struct watch_config *config, struct error *err)
{
    AUTO(closep) struct watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return error_sys(err, ENOMEM, "watching servers");
    watch->config = *config;
    if (read_servers(watch, err) < 0)
        return -1;
    int r = sd_event_add_time_relative(config->event, &watch->writer, CLOCK_MONOTONIC, 0,
                                       ACCURACY_US, on_write, watch);
    if (r >= 0)
        r = sd_event_source_set_enabled(watch->writer, SD_EVENT_OFF);
    if (r < 0)
        return error_sys(err, -r, "watching servers");
    if (present_open(watch, err) < 0 || repair_open(watch, err) < 0 ||
        states_open(&watch->states, config->event, config->bus_address, prefixes, &handler, watch,
                    err) < 0)
        return -1;
    *ret = TAKE(watch);
    return 0;
}

struct watch *watch_close(struct watch *watch)
{
    if (!watch)
        return NULL;
    watch->states = states_close(watch->states);
    sd_event_source_disable_unref(watch->writer);
    sd_event_source_disable_unref(watch->repairer);
    while (watch->all)
        remove_watched(watch, watch->all);
    watch->census = census_close(watch->census);
    if (watch->list_ctl)
        ctl_leave(watch->list_ctl);
    json_decref(watch->list);
    json_decref(watch->new_list);
    free(watch);
    return NULL;
}
