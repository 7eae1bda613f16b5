// SPDX-License-Identifier: MIT
#include "work/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/log.h"
#include "store/right.h"
#include "work/kinds.h"
#include "work/record.h"
#include "work/rows.h"

#define RECORD_MS   50u  // lines that come within so long are written together
#define PROGRESS_MS 500u // between two changes of how far one is
#define AGAIN_MS    250u // until what could not be written is tried again
#define TICK_MS     10000u
#define RENEW_S     20
#define ACCURACY_US 5000u
#define KINDS_MAX   512u // bytes of a list of kinds

struct job_slot {
    struct job_slot *next;
    struct run      *run;
    struct recorded  recorded;
    uint64_t         progress_ms; // when its progress was written
};

struct runner {
    struct runner_config config;
    sd_event_source     *recorder, *ticker;
    struct job_slot     *slots;
    unsigned             n, n_builds;
    bool                 is_armed, has_to_look;
    bool                 has_taken_over; // there is nothing left of the worker before
    bool                 is_in_trouble;  // it is told once
    char builds[KINDS_MAX], patient[KINDS_MAX], unawaited[KINDS_MAX]; // kinds, in JSON
};

static int64_t now_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); // both are always there
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_s(void)
{
    return now_us(CLOCK_REALTIME) / 1000000;
}

static uint64_t now_ms(void)
{
    return (uint64_t)now_us(CLOCK_MONOTONIC) / 1000;
}

// ---- time -------------------------------------------------------------------------------------

// The earliest of the times that are asked for is the one that counts.
static void record_within(struct runner *runner, unsigned ms)
{
    uint64_t due_us = (uint64_t)now_us(CLOCK_MONOTONIC) + ms * UINT64_C(1000), set_us = 0;

    if (runner->is_armed && sd_event_source_get_time(runner->recorder, &set_us) >= 0 &&
        set_us <= due_us)
        return;
    runner->is_armed = true;
    (void)sd_event_source_set_time(runner->recorder, due_us);              // no way to fail
    (void)sd_event_source_set_enabled(runner->recorder, SD_EVENT_ONESHOT); // likewise
}

// What goes wrong for a while is told when it begins and when it ends.
static void tell(struct runner *runner, const struct error *err)
{
    if (!err && runner->is_in_trouble)
        log_line(LEVEL_NOTICE, "the database can be written again");
    if (err && !runner->is_in_trouble)
        log_line(LEVEL_WARNING, "what jobs say is kept until it can be written: %s", err->message);
    runner->is_in_trouble = err;
    if (err)
        record_within(runner, AGAIN_MS);
}

// ---- slots ------------------------------------------------------------------------------------

static void remove_slot(struct runner *runner, struct job_slot *slot)
{
    struct job_slot **at = &runner->slots;

    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    runner->n--;
    runner->n_builds -= run_is_build(slot->run) ? 1 : 0;
    slot->run = run_free(slot->run);
    free(slot);
}

static bool has_ended(const struct job_slot *slot)
{
    enum job_state state;
    struct error   why;

    return run_has_ended(slot->run, &state, &why);
}

// ---- writing down -----------------------------------------------------------------------------

static bool has_news(struct runner *runner, const struct job_slot *slot)
{
    size_t n_lines = 0;

    (void)run_lines(slot->run, &n_lines);
    if (n_lines > 0 || now_s() - slot->recorded.renewed_s >= RENEW_S)
        return true;
    if (run_progress(slot->run) == slot->recorded.progress)
        return false;
    uint64_t since_ms = now_ms() - slot->progress_ms;
    if (since_ms >= PROGRESS_MS)
        return true;
    record_within(runner, PROGRESS_MS - (unsigned)since_ms);
    return false;
}

// What was taken for written was not.
static void forget_recorded(struct runner *runner)
{
    for (struct job_slot *slot = runner->slots; slot; slot = slot->next)
        slot->recorded = (struct recorded){ .progress = -1 };
}

static int write_news(struct runner *runner, bool *ret_is_new, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = runner->config.host.db;

    for (struct job_slot *slot = runner->slots; slot; slot = slot->next) {
        if (has_ended(slot) || !has_news(runner, slot))
            continue;
        if (!transaction.db && transaction_begin(&transaction, db, err) < 0)
            return -1;
        if (record_news(&slot->recorded, db, runner->config.worker, slot->run, now_s(), err) < 0)
            return -1;
        slot->progress_ms = now_ms();
        *ret_is_new = true;
    }
    return transaction.db ? transaction_commit(&transaction, err) : 0;
}

static void take_news(struct runner *runner)
{
    for (struct job_slot *slot = runner->slots, *next; slot; slot = next) {
        next = slot->next;
        if (has_ended(slot))
            continue;
        run_forget_lines(slot->run);
        if (slot->recorded.is_cancelled)
            run_cancel(slot->run);
        if (slot->recorded.is_lost)
            remove_slot(runner, slot);
    }
}

static bool is_passing(const struct error *err)
{
    return err->kind == ERROR_BUSY || err->kind == ERROR_NO_SPACE || err->kind == ERROR_SYSTEM;
}

// False: it is tried again later.
static bool write_end(struct runner *runner, struct job_slot *slot, struct error *err)
{
    struct job job = *run_job(slot->run);
    bool       is_refused = false;
    int        r = record_end(&is_refused, runner->config.host.db, runner->config.worker, slot->run,
                              now_us(CLOCK_REALTIME), err);

    if (r < 0 && is_refused && !is_passing(err)) {
        run_fail(slot->run, err);
        r = record_end(&is_refused, runner->config.host.db, runner->config.worker, slot->run,
                       now_us(CLOCK_REALTIME), err);
    }
    if (r < 0 && err->kind != ERROR_NOT_FOUND)
        return false;
    remove_slot(runner, slot);
    if (r == 0)
        runner->config.ended(runner->config.context, &job);
    return true;
}

static int write_ends(struct runner *runner, bool *ret_is_new, struct error *err)
{
    for (struct job_slot *slot = runner->slots, *next; slot; slot = next) {
        next = slot->next;
        if (!has_ended(slot))
            continue;
        if (!write_end(runner, slot, err))
            return -1;
        *ret_is_new = true;
    }
    return 0;
}

static void record(struct runner *runner)
{
    struct error err;
    bool         is_new = false, has_end = false;

    if (write_news(runner, &is_new, &err) < 0) {
        forget_recorded(runner);
        tell(runner, &err);
        return;
    }
    take_news(runner);
    if (write_ends(runner, &has_end, &err) < 0)
        tell(runner, &err);
    else if (is_new || has_end)
        tell(runner, NULL);
    if (is_new || has_end)
        runner->config.changed(runner->config.context);
    if (has_end || runner->has_to_look)
        runner_look(runner); // there is room, and what waited for it
}

static int on_record(sd_event_source *source, uint64_t usec, void *context)
{
    struct runner *runner = context;

    (void)source;
    (void)usec;
    runner->is_armed = false;
    record(runner);
    return 0;
}

// Ends are not waited for.
static void on_changed(void *context)
{
    struct runner *runner = context;
    bool           has_end = false;

    for (struct job_slot *slot = runner->slots; slot; slot = slot->next)
        has_end = has_end || has_ended(slot);
    record_within(runner, has_end ? 0 : RECORD_MS);
}

static void has_work(void *context)
{
    struct runner *runner = context;

    runner->has_to_look = true;
    record_within(runner, 0);
}

// ---- taking -----------------------------------------------------------------------------------

// Who has asked for it may have lost the right to it while it waited, or what it is to delete is
// gone: that is its end then.
static int settle(bool *ret_has_ended, struct runner *runner, const struct job *job,
                  struct error *err)
{
    struct database *db = runner->config.host.db;
    struct error     why;

    if (rows_are_deleted(ret_has_ended, db, job, err) < 0)
        return -1;
    if (*ret_has_ended)
        return job_end(db, job->id, runner->config.worker, JOB_DONE, NULL, "{}",
                       now_us(CLOCK_REALTIME), err);
    *ret_has_ended = right_check(db, job, &why) < 0;
    if (!*ret_has_ended)
        return 0;
    if (is_passing(&why)) {
        *err = why;
        return -1;
    }
    return job_end(db, job->id, runner->config.worker, JOB_FAILED, &why, "{}",
                   now_us(CLOCK_REALTIME), err) < 0
               ? -1
               : right_forget_wish(db, job, err);
}

static int take(struct job *ret, bool *ret_has_ended, struct runner *runner, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    const struct runner_config               *config = &runner->config;
    const struct job_choice choice = { .except = runner->n_builds >= config->n_builds_max
                                                     ? runner->builds
                                                     : "[]",
                                       .patient = runner->patient,
                                       .unawaited = runner->unawaited };
    int64_t                 now = now_s();
    int                     r = 0;

    *ret_has_ended = false;
    if (transaction_begin(&transaction, config->host.db, err) < 0)
        return -1;
    // Its leases may have some time left, but it is gone.
    if (!runner->has_taken_over)
        r = job_take_over(ret, config->host.db, config->worker, INT64_MAX, now + RECORD_LEASE_S,
                          err);
    if (r == 0) {
        runner->has_taken_over = true;
        r = job_take(ret, config->host.db, config->worker, &choice, now_us(CLOCK_REALTIME),
                     now + RECORD_LEASE_S, err);
        if (r > 0 && settle(ret_has_ended, runner, ret, err) < 0)
            return -1;
    }
    if (r < 0 || transaction_commit(&transaction, err) < 0)
        return -1;
    return r;
}

static void add(struct runner *runner, const struct job *job, bool is_begun)
{
    struct job_slot *slot = calloc(1, sizeof *slot);

    if (slot)
        slot->run = run_begin(&runner->config.host, job, is_begun);
    if (!slot || !slot->run) { // out of memory: it is left to the next worker
        free(slot);
        return;
    }
    slot->recorded = (struct recorded){ .renewed_s = now_s(), .progress = job->progress };
    slot->next = runner->slots;
    runner->slots = slot;
    runner->n++;
    runner->n_builds += run_is_build(slot->run) ? 1 : 0;
}

// ---- who is to end ----------------------------------------------------------------------------

// Those that will be refused are none.
static int is_queued(bool *ret, struct database *db, const char *kind, int64_t server,
                     struct error *err)
{
    const struct job_filter filter = { .server = server, .kind = kind };
    struct job              job = { 0 };
    struct error            why;
    int                     r = 0;

    while (!*ret && (r = job_next(&job, db, job.id, &filter, err)) > 0 && job.state == JOB_QUEUED)
        *ret = right_check(db, &job, &why) == 0;
    return MIN(r, 0);
}

// What makes it pointless to go on with another job about the same server.
static const struct {
    const char *kind, *end;
} ends[] = {
    { "server.start", "server.stop" },    { "server.start", "server.kill" },
    { "server.start", "server.reset" },   { "server.start", "server.delete" },
    { "server.restart", "server.stop" },  { "server.restart", "server.kill" },
    { "server.restart", "server.reset" }, { "server.restart", "server.delete" },
    { "server.stop", "server.kill" },     { "server.reset", "server.kill" },
};

// Whoever wants a server to stop need not wait until it has started.
static int find_end(bool *ret, struct database *db, const struct job *job, struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(ends); i++)
        if (strcmp(ends[i].kind, job->kind) == 0 &&
            is_queued(ret, db, ends[i].end, job->server, err) < 0)
            return -1;
    return 0;
}

// What cannot be read now is looked at again before long.
static void cancel_some(struct runner *runner)
{
    struct job   job;
    struct error ignored;

    for (struct job_slot *slot = runner->slots; slot; slot = slot->next) {
        bool is_wanted = false;
        if (has_ended(slot) || job_find(&job, runner->config.host.db, run_job(slot->run)->id,
                                        VIEWER_ALL, &ignored) < 0)
            continue;
        if (find_end(&is_wanted, runner->config.host.db, &job, &ignored) == 0 &&
            (is_wanted || job.is_cancelled))
            run_cancel(slot->run);
    }
}

void runner_look(struct runner *runner)
{
    struct job   job;
    struct error err;
    bool         has_taken = false, has_ended = false;
    int          r = 0;

    cancel_some(runner);
    while (runner->n < runner->config.n_max && (r = take(&job, &has_ended, runner, &err)) > 0) {
        if (!has_ended)
            add(runner, &job, !runner->has_taken_over);
        has_taken = true;
    }
    runner->has_to_look = r < 0;
    if (r < 0)
        tell(runner, &err);
    if (has_taken)
        runner->config.changed(runner->config.context);
    on_changed(runner); // one may have ended already
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
    struct runner *runner = context;

    (void)usec;
    runner_look(runner);
    (void)sd_event_source_set_time_relative(source, TICK_MS * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);               // likewise
    return 0;
}

// ---- the runner -------------------------------------------------------------------------------

static int list_kinds(char ret[KINDS_MAX], enum kind_flag flag, struct error *err)
{
    AUTO(json_decrefp) json_t *list = json_array();

    for (const struct kind *kind = NULL; (kind = kind_next(kind));)
        if (kind->flags & flag)
            (void)json_array_append_new(list, json_string(kind->name));
    AUTO(freep) char *text = json_dumps(list, JSON_COMPACT);
    if (!text || strlen(text) >= KINDS_MAX)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    memcpy(ret, text, strlen(text) + 1);
    return 0;
}

static void closep(struct runner **runner)
{
    (void)runner_close(*runner);
}

int runner_open(struct runner **ret, const struct runner_config *config, struct error *err)
{
    AUTO(closep) struct runner *runner = calloc(1, sizeof *runner);

    if (!runner)
        return error_sys(err, ENOMEM, "preparing to work");
    runner->config = *config;
    runner->config.host.changed = on_changed;
    runner->config.host.has_work = has_work;
    runner->config.host.context = runner;
    if (list_kinds(runner->builds, KIND_BUILD, err) < 0 ||
        list_kinds(runner->patient, KIND_PATIENT, err) < 0 ||
        list_kinds(runner->unawaited, KIND_LONG, err) < 0)
        return -1;
    int r = sd_event_add_time_relative(config->event, &runner->recorder, CLOCK_MONOTONIC, 0,
                                       ACCURACY_US, on_record, runner);
    if (r >= 0)
        r = sd_event_source_set_enabled(runner->recorder, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time_relative(config->event, &runner->ticker, CLOCK_MONOTONIC, 0,
                                       ACCURACY_US, on_tick, runner);
    if (r < 0)
        return error_sys(err, -r, "preparing to work");
    *ret = TAKE(runner);
    return 0;
}

static int release_all(struct runner *runner, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = runner->config.host.db;

    if (!runner->slots)
        return 0;
    if (transaction_begin(&transaction, db, err) < 0)
        return -1;
    for (struct job_slot *slot = runner->slots; slot; slot = slot->next)
        if (!slot->recorded.is_lost &&
            (record_news(&slot->recorded, db, runner->config.worker, slot->run, now_s(), err) < 0 ||
             (!slot->recorded.is_lost &&
              job_release(db, run_job(slot->run)->id, runner->config.worker, err) < 0)))
            return -1;
    return transaction_commit(&transaction, err);
}

struct runner *runner_close(struct runner *runner)
{
    struct error err;
    bool         ignored = false;

    if (!runner)
        return NULL;
    sd_event_source_disable_unref(runner->recorder);
    sd_event_source_disable_unref(runner->ticker);
    // Those that have ended are not done again; if it cannot be written they are.
    runner->recorder = runner->ticker = NULL;
    if (write_ends(runner, &ignored, &err) < 0 || release_all(runner, &err) < 0)
        log_line(LEVEL_WARNING, "jobs are left to the next worker as they are: %s", err.message);
    while (runner->slots)
        remove_slot(runner, runner->slots);
    free(runner);
    return NULL;
}

bool runner_has_server(const struct runner *runner, int64_t server)
{
    for (const struct job_slot *slot = runner->slots; slot; slot = slot->next)
        if (run_job(slot->run)->server == server)
            return true;
    return false;
}
