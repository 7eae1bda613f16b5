// SPDX-License-Identifier: MIT
#include "work/rollout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/live.h"
#include "store/server.h"
#include "work/players.h"

#define ROUND_MS    15000u // between two in which it is asked who plays
#define AGAIN_MS    250u   // until what could not be written is tried again
#define ACCURACY_US 10000u
#define LINE_MAX    256u

enum policy { POLICY_FORCE, POLICY_SKIP, POLICY_WAIT, POLICIES };

static const char *const policies[] = {
    [POLICY_FORCE] = "force",
    [POLICY_SKIP] = "skip",
    [POLICY_WAIT] = "wait",
};
_Static_assert(ELEMENTS(policies) == POLICIES, "every policy has a word");

struct rollout {
    sd_event_source              *timer;
    sd_event                     *event;
    struct database              *db;
    const struct job             *job;
    const struct rollout_handler *handler;
    void                         *context;
    enum policy                   policy;
    struct server                 server;  // which one is looked at; 0: a round begins
    struct players               *players; // of that one
    unsigned                      n_left;  // of this round, for somebody plays there
    bool                          is_told; // who is left
    json_t                       *restarts, *left;
};

static void go_on(struct rollout *rollout, unsigned ms)
{
    (void)sd_event_source_set_time_relative(rollout->timer, ms * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(rollout->timer, SD_EVENT_ONESHOT);          // likewise
}

static void end(struct rollout *rollout, const struct error *why)
{
    const struct rollout_handler *handler = rollout->handler;
    void                         *context = rollout->context;
    json_t *result = json_pack("{s:O, s:O}", "restarts", rollout->restarts, "left", rollout->left);

    (void)rollout_leave(rollout);
    handler->done(context, result, why);
}

static void say(struct rollout *rollout, const char *what)
{
    char line[LINE_MAX];

    (void)snprintf(line, sizeof line, "'%s' %s", rollout->server.name, what); // it fits
    rollout->handler->say(rollout->context, line);
}

// ---- one server -------------------------------------------------------------------------------

static bool has_pending(const struct live *live)
{
    AUTO(json_decrefp) json_t *status = json_loads(live->status, 0, NULL);

    return (live->state == LIVE_RUNNING || live->state == LIVE_STARTING) &&
           json_array_size(json_object_get(status, "pending")) > 0;
}

// It is restarted already, or about to be.
static int is_asked(bool *ret, struct database *db, int64_t server, struct error *err)
{
    const struct job_filter filter = { .server = server, .kind = "server.restart" };
    struct job              job;
    int                     r = job_next(&job, db, 0, &filter, err);

    *ret = r > 0 && (job.state == JOB_QUEUED || job.state == JOB_RUNNING);
    return MIN(r, 0);
}

static int is_meant(bool *ret, const struct rollout *rollout, struct error *err)
{
    struct live live = { 0 };
    bool        is_open = false;

    if (live_find(&live, rollout->db, rollout->server.id, err) < 0)
        return -1;
    *ret = has_pending(&live);
    live_done(&live);
    if (!*ret)
        return 0;
    if (is_asked(&is_open, rollout->db, rollout->server.id, err) < 0)
        return -1;
    *ret = !is_open;
    return 0;
}

static int ask_restart(struct rollout *rollout, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) struct job                   *job = calloc(1, sizeof *job);
    int64_t                                   id = 0;
    bool                                      is_new = false;

    if (!job)
        return error_sys(err, ENOMEM, "asking for a restart");
    *job = (struct job){ .kind = "server.restart",
                         .server = rollout->server.id,
                         .asked_by = rollout->job->asked_by,
                         .created_us = (int64_t)time(NULL) * 1000000 };
    memcpy(job->asked_by_name, rollout->job->asked_by_name, sizeof job->asked_by_name);
    if (transaction_begin(&transaction, rollout->db, err) < 0 ||
        job_add(&id, &is_new, rollout->db, job, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    (void)json_array_append_new(rollout->restarts, json_integer(id)); // it is one less in the list
    say(rollout, "is restarted");
    rollout->handler->has_work(rollout->context);
    return 0;
}

static void try_restart(struct rollout *rollout)
{
    struct error err;

    if (ask_restart(rollout, &err) == 0) {
        go_on(rollout, 0);
    } else if (err.kind == ERROR_BUSY) {
        rollout->server.id--; // the same one
        go_on(rollout, AGAIN_MS);
    } else {
        end(rollout, &err);
    }
}

static void leave(struct rollout *rollout, int n_players)
{
    char what[64];

    (void)snprintf(what, sizeof what, "%s: %d play%s", // it fits
                   rollout->policy == POLICY_WAIT ? "is waited for" : "is left as it is", n_players,
                   n_players == 1 ? "s" : "");
    rollout->n_left++;
    if (rollout->policy == POLICY_SKIP)
        (void)json_array_append_new(rollout->left, json_integer(rollout->server.id));
    if (!rollout->is_told)
        say(rollout, n_players < 0 ? "is left as it is: it does not answer" : what);
    go_on(rollout, 0);
}

static void told(void *context, int n_players)
{
    struct rollout *rollout = context;

    rollout->players = NULL;
    if (n_players == 0)
        try_restart(rollout);
    else
        leave(rollout, n_players);
}

// ---- rounds -----------------------------------------------------------------------------------

static void end_round(struct rollout *rollout)
{
    size_t n = json_array_size(rollout->restarts);

    if (rollout->policy != POLICY_WAIT || rollout->n_left == 0) {
        end(rollout, NULL);
        return;
    }
    rollout->handler->progress(rollout->context, (int)(n * 100 / (n + rollout->n_left)));
    rollout->server.id = 0;
    rollout->n_left = 0;
    rollout->is_told = true;
    go_on(rollout, ROUND_MS);
}

// The next one that something is pending for; 0: no more.
static int next(struct rollout *rollout, struct error *err)
{
    const struct server_filter all = { .viewer = VIEWER_ALL };
    bool                       is_it = false;
    int                        r;

    while ((r = server_next(&rollout->server, rollout->db, rollout->server.id, &all, err)) > 0)
        if (is_meant(&is_it, rollout, err) < 0)
            return -1;
        else if (is_it)
            return 1;
    return r;
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct rollout *rollout = context;
    struct error    err;
    int             r = next(rollout, &err);

    (void)source;
    (void)usec;
    if (r == 0)
        end_round(rollout);
    else if (r > 0 && rollout->policy == POLICY_FORCE)
        try_restart(rollout);
    else if (r < 0 || players_ask(&rollout->players, rollout->event, rollout->server.ports.game,
                                  told, rollout, &err) < 0)
        end(rollout, &err);
    return 0;
}

// ---- for its user -----------------------------------------------------------------------------

static int read_policy(enum policy *ret, const struct job *job, struct error *err)
{
    AUTO(json_decrefp) json_t *parameters = json_loads(job->parameters, 0, NULL);
    const char                *word = json_string_value(json_object_get(parameters, "policy"));

    for (size_t i = 0; word && i < POLICIES; i++)
        if (strcmp(policies[i], word) == 0) {
            *ret = (enum policy)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "policy: it is 'force', 'skip' or 'wait'");
}

static void leavep(struct rollout **rollout)
{
    (void)rollout_leave(*rollout);
}

int rollout_begin(struct rollout **ret, sd_event *event, struct database *db, const struct job *job,
                  const struct rollout_handler *handler, void *context, struct error *err)
{
    AUTO(leavep) struct rollout *rollout = calloc(1, sizeof *rollout);

    if (!rollout)
        return error_sys(err, ENOMEM, "restarting servers");
    rollout->event = event;
    rollout->db = db;
    rollout->job = job;
    rollout->handler = handler;
    rollout->context = context;
    rollout->restarts = json_array();
    rollout->left = json_array();
    if (read_policy(&rollout->policy, job, err) < 0)
        return -1;
    int r = sd_event_add_time_relative(event, &rollout->timer, CLOCK_MONOTONIC, 0, ACCURACY_US,
                                       on_time, rollout);
    if (r < 0)
        return error_sys(err, -r, "restarting servers");
    *ret = TAKE(rollout);
    return 0;
}

struct rollout *rollout_leave(struct rollout *rollout)
{
    if (!rollout)
        return NULL;
    (void)players_leave(rollout->players);
    sd_event_source_disable_unref(rollout->timer);
    json_decref(rollout->restarts);
    json_decref(rollout->left);
    free(rollout);
    return NULL;
}
