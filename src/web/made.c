// SPDX-License-Identifier: MIT

// made: what a request has made: answered, and kept to be answered again; and jobs that it asks
// for.

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "store/audit.h"
#include "web/api.h"

int api_answer_made(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err)
{
    if (transaction_commit(transaction, err) == 0)
        return api_answer(request, 201, json, err);
    json_decref(json);
    return -1;
}

int api_answer_once(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err)
{
    return api_answer_made(request, transaction, json, err);
}

// ---- jobs -------------------------------------------------------------------------------------

int api_job_add(int64_t *ret_id, struct api_request *request, const char *kind, int64_t server,
                int64_t overlay, json_t *parameters, struct error *err)
{
    AUTO(freep)
    char *text = parameters ? json_dumps(parameters, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    bool                    is_new = false;
    char                    subject[40] = "";

    if (!job || (parameters && !text) || (text && strlen(text) >= sizeof job->parameters)) {
        json_decref(parameters);
        return error_set(err, ERROR_NO_SPACE, "there is too little room for what the job is told");
    }
    (void)snprintf(job->kind, sizeof job->kind, "%s", kind); // a word of ours
    (void)snprintf(job->asked_by_name, sizeof job->asked_by_name, "%s", request->user.name);
    (void)snprintf(job->parameters, sizeof job->parameters, "%s", text ? text : "{}"); // both fit
    job->server = server;
    job->overlay = overlay;
    job->asked_by = request->user.id;
    job->created_us = api_now_us();
    if (server)
        (void)snprintf(subject, sizeof subject, "server %lld", (long long)server);
    else if (overlay)
        (void)snprintf(subject, sizeof subject, "overlay %lld", (long long)overlay);
    if (job_add(ret_id, &is_new, request->web->db, job, err) == 0)
        return api_audit(request, kind, subject, NULL, parameters, err);
    json_decref(parameters);
    return -1;
}

json_t *api_job_json(const struct job *job)
{
    json_t *json = json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:b}", "id", (json_int_t)job->id, "kind",
        job->kind, "server", job->server ? json_integer(job->server) : json_null(), "overlay",
        job->overlay ? json_integer(job->overlay) : json_null(), "asked_by",
        job->asked_by ? json_integer(job->asked_by) : json_null(), "asked_by_name",
        job->asked_by_name, "state", job_state_word(job->state), "progress",
        job->progress >= 0 ? json_integer(job->progress) : json_null(), "cancelling",
        (int)(job->is_cancelled && !job->ended_us));

    return json;
}

int api_answer_job(struct api_request *request, struct transaction *transaction, int64_t id,
                   struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);

    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (job_find(job, request->web->db, id, user_viewer(&request->user), err) < 0 ||
        transaction_commit(transaction, err) < 0)
        return -1;
    return api_answer(request, 202, json_pack("{s:o}", "job", api_job_json(job)), err);
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

// ---- the log of changes ------------------------------------------------------------------------

static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *before, json_t *after, struct error *err)
{
    AUTO(freep) char *before_text = dump(before);
    AUTO(freep) char *after_text = dump(after);
    char address[SESSION_ADDRESS_MAX], origin[SESSION_ADDRESS_MAX + TOKEN_NAME_MAX + 10];
    struct audit_event event = { .time_us = api_now_us(),
                                 .user = request->user.id,
                                 .user_name = request->user.name,
                                 .origin = origin,
                                 .action = action,
                                 .subject = subject,
                                 .before = before_text,
                                 .after = after_text };

    api_address(address, request);
    (void)snprintf(origin, sizeof origin, request->token.id ? "%s, token %s" : "%s", address,
                   request->token.name); // it fits
    return audit_add(request->web->db, &event, err);
}
