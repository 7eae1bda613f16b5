// SPDX-License-Identifier: MIT

// jobs: what was asked for and what became of it, with its log; asking for more, and cancelling.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "store/quota.h"
#include "store/right.h"
#include "web/api.h"

#define LINES_MAX 1000 // of a log, in one answer

// ---- asking for one ---------------------------------------------------------------------------

static int fill(struct job *job, const struct api_request *request, const char *kind,
                const json_t *parameters, struct error *err)
{
    AUTO(freep)
    char *text = parameters ? json_dumps(parameters, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (parameters && !text)
        return error_set(err, ERROR_NO_SPACE, "there is no memory for what the job is told");
    if (text && strlen(text) >= sizeof job->parameters)
        return error_set(err, ERROR_INVALID, "the job is told too much: at most %u bytes",
                         JOB_PARAMETERS_MAX - 1);
    (void)snprintf(job->kind, sizeof job->kind, "%s", kind); // a word of ours; the others fit
    (void)snprintf(job->asked_by_name, sizeof job->asked_by_name, "%s", request->user.name);
    (void)snprintf(job->parameters, sizeof job->parameters, "%s", text ? text : "");
    job->asked_by = request->user.id;
    job->created_us = api_now_us();
    return 0;
}

static void print_subject(char *ret, size_t size, const struct job *job)
{
    if (job->server)
        (void)snprintf(ret, size, "server %" PRId64, job->server);
    else if (job->overlay)
        (void)snprintf(ret, size, "overlay %" PRId64, job->overlay);
    else
        *ret = '\0';
}

// Asking again for what is asked for already is no more than that.
static int check_quotas(const struct api_request *request, const char *kind, bool is_new,
                        struct error *err)
{
    struct database *db = request->web->db;

    if (!is_new)
        return 0;
    if (quota_check(db, QUOTA_JOBS, &request->user, err) < 0)
        return -1;
    return strcmp(kind, "overlay.create") == 0
               ? quota_check(db, QUOTA_OVERLAYS, &request->user, err)
               : 0;
}

int api_job_add(int64_t *ret_id, struct api_request *request, const char *kind, int64_t server,
                int64_t overlay, json_t *parameters, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    char                    subject[40];
    bool                    is_new = false;

    if (job) {
        job->server = server;
        job->overlay = overlay;
    }
    if (!job || fill(job, request, kind, parameters, err) < 0 ||
        right_check(request->web->db, job, err) < 0 || // again when it is begun
        job_add(ret_id, &is_new, request->web->db, job, err) < 0 ||
        check_quotas(request, kind, is_new, err) < 0) {
        json_decref(parameters);
        return job ? -1 : error_set(err, ERROR_NO_SPACE, "out of memory");
    }
    print_subject(subject, sizeof subject, job);
    return api_audit(request, kind, subject, NULL, parameters, err);
}

int api_run_job(struct api_request *request, const char *kind, int64_t server, int64_t overlay,
                json_t *parameters, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    int64_t                                   id = 0;

    if (transaction_begin(&transaction, request->web->db, err) < 0) {
        json_decref(parameters);
        return -1;
    }
    if (api_job_add(&id, request, kind, server, overlay, parameters, err) < 0)
        return -1;
    return api_answer_job(request, &transaction, id, err);
}

// ---- showing them -----------------------------------------------------------------------------

static json_t *id_or_null(int64_t id)
{
    return id ? json_integer(id) : json_null();
}

// What the worker has written is JSON; what is not, is nothing.
static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    return json ? json : json_object();
}

static json_t *error_json(const struct job *job)
{
    if (job->state != JOB_FAILED)
        return json_null();
    return json_pack("{s:s, s:s}", "kind", error_kind_info(job->error_kind)->word, "message",
                     job->error_message);
}

json_t *api_job_json(const struct job *job)
{
    bool is_ending = job->is_cancelled && !job->ended_us;

    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "id",
        (json_int_t)job->id, "kind", job->kind, "server", id_or_null(job->server), "overlay",
        id_or_null(job->overlay), "asked_by", id_or_null(job->asked_by), "asked_by_name",
        job->asked_by_name, "state", job_state_word(job->state), "progress",
        job->progress >= 0 ? json_integer(job->progress) : json_null(), "cancelling",
        (int)is_ending, "error", error_json(job), "result", parse(job->result), "parameters",
        parse(job->parameters), "created_us", (json_int_t)job->created_us, "started_us",
        id_or_null(job->started_us), "ended_us", id_or_null(job->ended_us));
}

static int jobs_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    AUTO(freep) struct job             *job = calloc(1, sizeof *job);
    struct job_filter                   filter = { .viewer = user_viewer(&request->user) };
    int                                 r;

    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (api_page_begin(&page, request, "before", err) < 0 ||
        api_query_number(&filter.server, request, "server", 1, INT64_MAX, 0, err) < 0 ||
        api_query_number(&filter.overlay, request, "overlay", 1, INT64_MAX, 0, err) < 0)
        return -1;
    if (filter.server && filter.overlay)
        return error_set(err, ERROR_INVALID, "ask for the jobs of a server, or of an overlay");
    while ((r = job_next(job, request->web->db, page.at, &filter, err)) > 0 &&
           api_page_add(&page, job->id, api_job_json(job)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "jobs", err);
}

static int job_run(struct api_request *request, struct error *err)
{
    return api_answer(request, 200, api_job_json(request->job), err);
}

// ---- its log ----------------------------------------------------------------------------------

static json_t *line_json(const struct job_line *line)
{
    return json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)line->number, "time_us",
                     (json_int_t)line->time_us, "stream", job_stream_word(line->stream), "text",
                     line->text);
}

static int log_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page   page = { 0 };
    AUTO(statement_done) struct statement lines = { 0 };
    struct job_line                       line;
    int                                   r;

    if (api_page_begin_up_to(&page, request, "after", LINES_MAX, err) < 0 ||
        job_lines_begin(&lines, request->web->db, request->job->id, page.at, err) < 0)
        return -1;
    while ((r = job_lines_next(&line, &lines, err)) > 0 &&
           api_page_add(&page, line.number, line_json(&line)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "lines", err);
}

// ---- ending it --------------------------------------------------------------------------------

static int cancel_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct job                               *job = request->job;
    char                                      subject[40];

    (void)snprintf(subject, sizeof subject, "job %" PRId64, job->id); // it fits
    if (transaction_begin(&transaction, db, err) < 0 ||
        job_cancel(db, job->id, api_now_us(), err) < 0 ||
        api_audit(request, "job.cancel", subject, NULL, json_pack("{s:s}", "kind", job->kind),
                  err) < 0 ||
        job_find(job, db, job->id, VIEWER_ALL, err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return api_answer(request, 200, json_pack("{s:o}", "job", api_job_json(job)), err);
}

static const struct route routes[] = {
    { HTTP_GET, "/jobs", API_USER, TOKEN_READ, jobs_run },
    { HTTP_GET, "/jobs/#", API_USER, TOKEN_READ, job_run, API_JOB, GRANT_VIEW },
    { HTTP_GET, "/jobs/#/log", API_USER, TOKEN_READ, log_run, API_JOB, GRANT_VIEW },
    { HTTP_POST, "/jobs/#/cancel", API_USER, TOKEN_OPERATE, cancel_run, API_JOB, GRANT_OPERATE },
};

const struct route_table job_routes = { routes, ELEMENTS(routes) };
