// SPDX-License-Identifier: MIT

// repair: a server that should run and does not is started, if the settings say so: when it was
// seen like that twice, nobody is about to do something with it, and it was not started in vain
// some times already.

#include "work/watched.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "store/setting.h"

#define TURN_MS     10000u
#define ACCURACY_US 100000u
#define TURNS       2u // in which it is seen
#define STARTS_MAX  3u // within
#define STARTS_US   INT64_C(3600000000)
#define NAME        "repair" // who asked
#define KIND        "server.start"

static int is_at_work(bool *ret, struct database *db, int64_t server, struct error *err)
{
    const struct job_filter filter = { .server = server };
    struct job              job;
    int                     r = job_next(&job, db, 0, &filter, err);

    *ret = r > 0 && (job.state == JOB_QUEUED || job.state == JOB_RUNNING);
    return MIN(r, 0);
}

static int count_starts(unsigned *ret, struct database *db, int64_t server, struct error *err)
{
    const struct job_filter filter = { .server = server, .kind = KIND };
    struct job              job = { 0 };
    int                     r;

    *ret = 0;
    while ((r = job_next(&job, db, job.id, &filter, err)) > 0 &&
           job.created_us > watch_now_us() - STARTS_US)
        if (!job.asked_by && strcmp(job.asked_by_name, NAME) == 0)
            ++*ret;
    return MIN(r, 0);
}

static int ask_start(struct database *db, int64_t server, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };

    const struct job job = {
        .kind = KIND,
        .server = server,
        .asked_by_name = NAME,
        .created_us = watch_now_us(),
    };
    int64_t id = 0;
    bool    is_new = false;

    return transaction_begin(&transaction, db, err) < 0 || job_add(&id, &is_new, db, &job, err) < 0
               ? -1
               : transaction_commit(&transaction, err);
}

// What cannot be read now is looked at in the next turn.
static bool repair_one(struct watched *server)
{
    struct database *db = server->watch->config.db;
    struct server    row;
    struct error     err;
    unsigned         n_starts = 0;
    bool             is_busy = false;

    if ((server->state != LIVE_STOPPED && server->state != LIVE_FAILED) ||
        server_find(&row, db, server->id, VIEWER_ALL, &err) < 0 || !row.is_wanted ||
        is_at_work(&is_busy, db, server->id, &err) < 0 || is_busy) {
        server->n_turns = 0;
        return false;
    }
    if (++server->n_turns < TURNS || count_starts(&n_starts, db, server->id, &err) < 0 ||
        n_starts >= STARTS_MAX || ask_start(db, server->id, &err) < 0)
        return false;
    log_line(LEVEL_NOTICE, "%s should run and does not: it is started", server->instance);
    server->n_turns = 0;
    return true;
}

static void repair(struct watch *watch)
{
    struct error err;
    bool         is_auto = false, has_work = false;

    if (setting_is(&is_auto, watch->config.db, SETTING_REPAIR, "auto", &err) < 0 || !is_auto)
        return;
    for (struct watched *server = watch->all; server; server = server->next)
        has_work = repair_one(server) || has_work;
    if (has_work)
        watch->config.has_work(watch->config.context);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;

    (void)usec;
    if (watch->is_complete)
        repair(watch);
    (void)sd_event_source_set_time_relative(source, TURN_MS * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);               // likewise
    return 0;
}

int repair_open(struct watch *watch, struct error *err)
{
    int r = sd_event_add_time_relative(watch->config.event, &watch->repairer, CLOCK_MONOTONIC,
                                       TURN_MS * UINT64_C(1000), ACCURACY_US, on_turn, watch);

    return r < 0 ? error_sys(err, -r, "watching servers") : 0;
}
