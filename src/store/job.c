// SPDX-License-Identifier: MIT
#include "store/job.h"

#include <assert.h>
#include <string.h>
#include "store/change.h"
#include "store/viewer.h"

#define COLUMNS                                                                                    \
    "id, kind, server, overlay, asked_by, asked_by_name, parameters, state, progress, "            \
    "is_cancelled, attempt, error_kind, error_message, created_us, started_us, ended_us, result, "
#define SELECT    "SELECT " COLUMNS JOB_MAY " AS may FROM jobs WHERE "
#define RETURNING "RETURNING " COLUMNS "31"

static const char *const state_words[] = {
    [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_DONE] = "done",
    [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled",
};
_Static_assert(ELEMENTS(state_words) == JOB_STATES, "every state has a word");

static const char *const stream_words[] = {
    [JOB_OUTPUT] = "output",
    [JOB_ERROR] = "error",
    [JOB_NOTE] = "note",
};
_Static_assert(ELEMENTS(stream_words) == JOB_STREAMS, "every stream has a word");

const char *job_state_word(enum job_state state)
{
    return state_words[state];
}

const char *job_stream_word(enum job_stream stream)
{
    return stream_words[stream];
}

// ---- rows -------------------------------------------------------------------------------------

static enum error_kind kind_of(const char *word)
{
    for (int kind = ERROR_INVALID; word && kind < ERROR_KIND_COUNT; kind++)
        if (strcmp(error_kind_info((enum error_kind)kind)->word, word) == 0)
            return (enum error_kind)kind;
    return word ? ERROR_FAILED : ERROR_NONE;
}

static int take_row(struct job *ret, const struct statement *row, struct error *err)
{
    int state = 0;

    ret->id = statement_number(row, 0);
    ret->server = statement_number(row, 2);
    ret->overlay = statement_number(row, 3);
    ret->asked_by = statement_number(row, 4);
    ret->progress = statement_is_null(row, 8) ? -1 : (int)statement_number(row, 8);
    ret->is_cancelled = statement_number(row, 9);
    ret->attempt = (unsigned)statement_number(row, 10);
    ret->error_kind = kind_of(statement_text(row, 11));
    ret->created_us = statement_number(row, 13);
    ret->started_us = statement_number(row, 14);
    ret->ended_us = statement_number(row, 15);
    ret->may = (unsigned)statement_number(row, 17);
    if (statement_copy(row, 1, ret->kind, sizeof ret->kind, err) < 0 ||
        statement_copy(row, 5, ret->asked_by_name, sizeof ret->asked_by_name, err) < 0 ||
        statement_copy(row, 6, ret->parameters, sizeof ret->parameters, err) < 0 ||
        statement_copy(row, 12, ret->error_message, sizeof ret->error_message, err) < 0 ||
        statement_copy(row, 16, ret->result, sizeof ret->result, err) < 0 ||
        statement_word(row, 7, &state, state_words, JOB_STATES, err) < 0)
        return -1;
    ret->state = (enum job_state)state;
    return 0;
}

// 1: there was a row.
static int take_next(struct job *ret, struct statement *row, struct error *err)
{
    int r = statement_next(row, err);

    return r <= 0 || take_row(ret, row, err) == 0 ? r : -1;
}

// ---- asking -----------------------------------------------------------------------------------

// What makes two jobs the same one.
static void bind_wanted(struct statement *row, const struct job *job)
{
    statement_bind_text(row, ":kind", job->kind);
    statement_bind_number(row, ":server", job->server);
    statement_bind_number(row, ":overlay", job->overlay);
    statement_bind_text(row, ":parameters", *job->parameters ? job->parameters : "{}");
}

// One that runs already may have read what has changed since, and one that another follows would
// not be the last. That of somebody else ends as refused if he loses the right to it, and one about
// nothing that is there makes something for him: who asks has his own. What nobody has asked for
// ends as nobody's.
static int find_queued(int64_t *ret_id, struct database *db, const struct job *job,
                       struct error *err)
{
    static const struct query query = QUERY(
        "SELECT id FROM jobs WHERE state = 'queued' AND kind = :kind AND "
        "server IS nullif(:server, 0) AND overlay IS nullif(:overlay, 0) AND "
        "parameters = :parameters AND (asked_by IS nullif(:user, 0) OR "
        "asked_by IS NULL AND coalesce(server, overlay) IS NOT NULL) AND NOT EXISTS "
        "(SELECT 1 FROM jobs AS later WHERE later.state = 'queued' AND later.id > jobs.id AND "
        "later.server IS jobs.server AND later.overlay IS jobs.overlay AND "
        "coalesce(later.server, later.overlay) IS NOT NULL AND "
        "(later.kind, later.parameters) <> (jobs.kind, jobs.parameters)) "
        "ORDER BY id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind_wanted(&row, job);
    statement_bind_number(&row, ":user", job->asked_by);
    int r = statement_next(&row, err);
    if (r > 0)
        *ret_id = statement_number(&row, 0);
    return r;
}

static int insert(int64_t *ret_id, struct database *db, const struct job *job, struct error *err)
{
    static const struct query query = QUERY(
        "INSERT INTO jobs (kind, server, overlay, asked_by, asked_by_name, parameters, created_us) "
        "VALUES (:kind, nullif(:server, 0), nullif(:overlay, 0), nullif(:user, 0), :name, "
        ":parameters, :created)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind_wanted(&row, job);
    statement_bind_number(&row, ":user", job->asked_by);
    statement_bind_text(&row, ":name", job->asked_by_name);
    statement_bind_number(&row, ":created", job->created_us);
    return statement_insert(&row, ret_id, err) < 0
               ? -1
               : change_note(db, CHANGE_JOB, *ret_id, false, err);
}

int job_add(int64_t *ret_id, bool *ret_is_new, struct database *db, const struct job *job,
            struct error *err)
{
    assert(database_is_writing(db));
    int r = find_queued(ret_id, db, job, err);
    if (r < 0)
        return -1;
    *ret_is_new = r == 0;
    return r > 0 ? 0 : insert(ret_id, db, job, err);
}

int job_wait_for(struct database *db, int64_t id, int64_t after, struct error *err)
{
    static const struct query query =
        QUERY("INSERT OR IGNORE INTO job_dependencies (job, after) VALUES (:job, :after)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db) && after < id);
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":job", id);
    statement_bind_number(&row, ":after", after);
    return statement_run(&row, err);
}

int job_cancel(struct database *db, int64_t id, int64_t now_us, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE jobs SET is_cancelled = 1, ended_us = iif(state = 'queued', :now, NULL), "
              "state = iif(state = 'queued', 'cancelled', state) "
              "WHERE id = :id AND state IN ('queued', 'running')");
    AUTO(statement_done) struct statement row = { 0 };
    struct job                            job;
    unsigned                              n = 0;

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":now", now_us);
    statement_bind_number(&row, ":id", id);
    if (statement_change(&row, &n, err) < 0)
        return -1;
    if (n > 0)
        return change_note(db, CHANGE_JOB, id, false, err);
    return job_find(&job, db, id, VIEWER_ALL, err) < 0
               ? -1
               : error_set(err, ERROR_BUSY, "the job has ended already: it is %s",
                           job_state_word(job.state));
}

// ---- finding ----------------------------------------------------------------------------------

int job_find(struct job *ret, struct database *db, int64_t id, int64_t viewer, struct error *err)
{
    static const struct query             query = QUERY(SELECT "id = :id AND may");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":viewer", viewer);
    return statement_one(&row, "job", err) < 0 ? -1 : take_row(ret, &row, err);
}

#define NEWEST_SEEN "id < :before AND kind = coalesce(:kind, kind) AND may ORDER BY id DESC LIMIT 1"

int job_next(struct job *ret, struct database *db, int64_t before, const struct job_filter *filter,
             struct error *err)
{
    static const struct query all = QUERY(SELECT NEWEST_SEEN);
    static const struct query of_server = QUERY(SELECT "server = :of AND " NEWEST_SEEN);
    static const struct query of_overlay = QUERY(SELECT "overlay = :of AND " NEWEST_SEEN);
    AUTO(statement_done) struct statement row = { 0 };
    int64_t                               of = filter->server ? filter->server : filter->overlay;
    const struct query *query = filter->server ? &of_server : of ? &of_overlay : &all;

    assert(!filter->server || !filter->overlay);
    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    statement_bind_number(&row, ":before", before ? before : INT64_MAX);
    statement_bind_number(&row, ":viewer", filter->viewer);
    statement_bind_text(&row, ":kind", filter->kind);
    if (of)
        statement_bind_number(&row, ":of", of);
    return take_next(ret, &row, err);
}

// ---- working ----------------------------------------------------------------------------------

// What waits for one that did not succeed, and what waits for that in its turn.
static int fail_those_who_wait(struct database *db, int64_t now_us, struct error *err)
{
    static const struct query query = QUERY(
        "UPDATE jobs SET state = 'failed', ended_us = :now, error_kind = 'failed', "
        "error_message = 'what it had to wait for did not succeed' "
        "WHERE state = 'queued' AND EXISTS (SELECT 1 FROM job_dependencies, jobs AS earlier "
        "WHERE job = jobs.id AND earlier.id = after AND earlier.state IN ('failed', 'cancelled')) "
        "RETURNING id");
    unsigned n = 1;

    while (n > 0)
        if (change_note_all(db, CHANGE_JOB, &query, ":now", now_us, &n, err) < 0)
            return -1;
    return 0;
}

// By a query that gives the job that `worker` has from now on.
static int lease(struct job *ret, struct database *db, const struct query *query,
                 const char *worker, const struct job_choice *choice, int64_t now, int64_t until_s,
                 struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    statement_bind_text(&row, ":worker", worker);
    statement_bind_number(&row, ":until", until_s);
    statement_bind_number(&row, ":now", now);
    if (choice) {
        statement_bind_text(&row, ":except", choice->except);
        statement_bind_text(&row, ":patient", choice->patient);
        statement_bind_text(&row, ":unawaited", choice->unawaited);
    }
    int r = take_next(ret, &row, err);
    return r <= 0 || change_note(db, CHANGE_JOB, ret->id, false, err) == 0 ? r : -1;
}

int job_take(struct job *ret, struct database *db, const char *worker,
             const struct job_choice *choice, int64_t now_us, int64_t until_s, struct error *err)
{
    // Nothing that came before it, about the same server or overlay, is still to be done or under
    // way. Of those that may run it is one of whom the fewest run: nobody waits behind all that
    // somebody else has asked for, which may be builds of an hour each.
    //
    // They are put in order first, which SQLite takes for vain without a limit, and looked at in
    // that order until there is one: what is asked of each costs more. The index has those alone
    // that have not ended; without its name, and its words, all that are kept are read for each.
    static const struct query oldest = QUERY(
        "UPDATE jobs SET state = 'running', lease_by = :worker, lease_until_s = :until, "
        "attempt = attempt + 1, started_us = :now WHERE id = (WITH waiting AS MATERIALIZED "
        "(SELECT id, (SELECT count(*) FROM jobs AS his INDEXED BY jobs_open WHERE his.state IN "
        "('queued', 'running') AND his.state = 'running' AND his.asked_by IS jobs.asked_by) AS n "
        "FROM jobs INDEXED BY jobs_open WHERE jobs.state IN ('queued', 'running') AND "
        "jobs.state = 'queued' AND kind NOT IN (SELECT value FROM json_each(:except)) "
        "ORDER BY n, id LIMIT -1) "
        "SELECT next.id FROM waiting CROSS JOIN jobs AS next ON next.id = waiting.id "
        "WHERE NOT EXISTS (SELECT 1 FROM jobs AS earlier INDEXED BY jobs_open WHERE "
        "earlier.state IN ('queued', 'running') AND earlier.id < next.id AND "
        "(earlier.server = next.server OR earlier.overlay = next.overlay)) "
        "AND NOT EXISTS (SELECT 1 FROM job_dependencies, jobs AS earlier WHERE job = next.id AND "
        "earlier.id = after AND earlier.state != 'done') "
        "AND (next.kind NOT IN (SELECT value FROM json_each(:patient)) "
        "OR NOT EXISTS (SELECT 1 FROM jobs AS earlier INDEXED BY jobs_open CROSS JOIN servers "
        "ON servers.id = next.server WHERE earlier.state IN ('queued', 'running') "
        "AND earlier.id < next.id "
        "AND earlier.kind NOT IN (SELECT value FROM json_each(:unawaited)) "
        "AND (earlier.overlay IN (1, servers.overlay) OR earlier.overlay IN (SELECT "
        "blueprint_overlays.overlay FROM blueprint_overlays WHERE "
        "blueprint_overlays.blueprint = servers.blueprint)))) LIMIT 1) " RETURNING);

    assert(database_is_writing(db));
    return fail_those_who_wait(db, now_us, err) < 0
               ? -1
               : lease(ret, db, &oldest, worker, choice, now_us, until_s, err);
}

int job_take_over(struct job *ret, struct database *db, const char *worker, int64_t now_s,
                  int64_t until_s, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE jobs SET lease_by = :worker, lease_until_s = :until, attempt = attempt + 1 "
              "WHERE id = (SELECT id FROM jobs WHERE state = 'running' AND lease_until_s <= :now "
              "AND lease_by != :worker ORDER BY id LIMIT 1) " RETURNING);

    assert(database_is_writing(db));
    return lease(ret, db, &query, worker, NULL, now_s, until_s, err);
}

// -1: not known. *ret is what was known before.
static int find_progress(int *ret, struct database *db, int64_t id, const char *worker,
                         struct error *err)
{
    static const struct query query =
        QUERY("SELECT coalesce(progress, -1) FROM jobs WHERE id = :id AND state = 'running' AND "
              "lease_by = :worker");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_text(&row, ":worker", worker);
    if (statement_one(&row, "job", err) < 0)
        return -1;
    *ret = (int)statement_number(&row, 0);
    return 0;
}

int job_renew(bool *ret_is_cancelled, struct database *db, int64_t id, const char *worker,
              int64_t until_s, int progress, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE jobs SET lease_until_s = :until, progress = nullif(:progress, -1) "
              "WHERE id = :id RETURNING is_cancelled");
    AUTO(statement_done) struct statement row = { 0 };
    int                                   old = -1;

    assert(database_is_writing(db));
    if (find_progress(&old, db, id, worker, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":until", until_s);
    statement_bind_number(&row, ":progress", progress);
    statement_bind_number(&row, ":id", id);
    if (statement_one(&row, "job", err) < 0)
        return -1;
    *ret_is_cancelled = statement_number(&row, 0);
    return progress == old ? 0 : change_note(db, CHANGE_JOB, id, false, err);
}

int job_release(struct database *db, int64_t id, const char *worker, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE jobs SET lease_until_s = 0, attempt = attempt - 1 "
              "WHERE id = :id AND state = 'running' AND lease_by = :worker");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_text(&row, ":worker", worker);
    return statement_change_one(&row, "job", err);
}

int job_end(struct database *db, int64_t id, const char *worker, enum job_state state,
            const struct error *why, const char *result, int64_t now_us, struct error *err)
{
    static const struct query query = QUERY(
        "UPDATE jobs SET state = :state, lease_by = NULL, lease_until_s = NULL, ended_us = :now, "
        "error_kind = :kind, error_message = :message, result = :result "
        "WHERE id = :id AND state = 'running' AND lease_by = :worker");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db) && state > JOB_RUNNING &&
           (state == JOB_FAILED) == (why != NULL));
    if (strnlen(result, JOB_RESULT_MAX) == JOB_RESULT_MAX)
        return error_set(err, ERROR_INVALID, "the result of a job is too long");
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":state", job_state_word(state));
    statement_bind_number(&row, ":now", now_us);
    statement_bind_text(&row, ":kind", why ? error_kind_info(why->kind)->word : NULL);
    statement_bind_text(&row, ":message", why ? why->message : NULL);
    statement_bind_text(&row, ":result", result);
    statement_bind_number(&row, ":id", id);
    statement_bind_text(&row, ":worker", worker);
    return statement_change_one(&row, "job", err) < 0 ? -1
                                                      : change_note(db, CHANGE_JOB, id, false, err);
}
