// SPDX-License-Identifier: MIT
#include "web/made.h"

#include <string.h>
#include "web/waiting.h"
#include "work/bell.h"

#define PATH_MAX_BYTES 512u
#define CREATED        201
#define ACCEPTED       202
#define CONFLICT       409

int api_commit(struct api_request *request, struct transaction *transaction, struct error *err)
{
    if (transaction_commit(transaction, err) < 0)
        return -1;
    bell_poke(request->web->bell);
    waiting_look(request->web->waiting); // the worker may be away
    return 0;
}

// ---- what came before ---------------------------------------------------------------------------

// A job goes on: it is told as it is now.
static int answer_kept_job(struct api_request *request, const json_t *answer, struct error *err)
{
    int64_t job = json_integer_value(json_object_get(json_object_get(answer, "job"), "id"));
    int64_t wait_s;

    return waiting_read(&wait_s, request, err) < 0 ? -1 : waiting_answer(request, job, wait_s, err);
}

static int answer_kept(struct api_request *request, int status, const char *answer,
                       struct error *err)
{
    AUTO(json_decrefp) json_t *json = json_loads(answer, 0, NULL);

    if (status == ACCEPTED) {
        int r = answer_kept_job(request, json, err);
        if (r == 0 || err->kind != ERROR_NOT_FOUND)
            return r;
    }
    return api_answer(request, status, json_incref(json), err);
}

// 1: it is answered as it was.
static int answer_again(struct api_request *request, struct error *err)
{
    AUTO(freep) char *answer = NULL;
    int               status = 0;
    int r = idempotency_find(&status, &answer, request->web->db, &request->asked, api_now_unix_s(),
                             err);

    if (r <= 0)
        return r;
    return answer_kept(request, status, answer, err) < 0 ? -1 : 1;
}

int made_before(struct api_request *request, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct http_text           key = http->fields[HTTP_IDEMPOTENCY_KEY];
    char                       path[PATH_MAX_BYTES];

    if (http->method != HTTP_POST || !key.bytes || !request->user.id)
        return 0;
    if (key.n >= sizeof request->key || http_path_decode(path, sizeof path, http->path) < 0)
        return error_set(err, ERROR_INVALID, "the Idempotency-Key is too long");
    memcpy(request->key, key.bytes, key.n);
    request->key[key.n] = '\0';
    if (idempotency_begin(&request->asked, request->user.id, request->key, "POST", path,
                          request->bytes, request->n_bytes, err) < 0)
        return -1;
    return answer_again(request, err);
}

// ---- what is made -------------------------------------------------------------------------------

// As a part of the transaction. 1: the same came in between and was quicker.
static int keep(struct api_request *request, int status, const json_t *json, struct error *err)
{
    AUTO(freep) char *answer = NULL;
    AUTO(freep) char *before = NULL;
    int               ignored;

    if (!request->asked.key)
        return 0;
    int r = idempotency_find(&ignored, &before, request->web->db, &request->asked, api_now_unix_s(),
                             err);
    if (r != 0)
        return r;
    answer = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    if (!answer)
        return error_set(err, ERROR_NO_SPACE, "there is no memory for the answer");
    return idempotency_keep(request->web->db, &request->asked, status, answer, api_now_unix_s(),
                            err);
}

// 1: it is answered as what came before.
static int keep_and_commit(struct api_request *request, struct transaction *transaction, int status,
                           const json_t *json, struct error *err)
{
    int r = keep(request, status, json, err);

    if (r == 0)
        return api_commit(request, transaction, err);
    transaction_done(transaction);
    return r < 0 ? -1 : answer_again(request, err);
}

int api_answer_made(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err)
{
    int r = keep_and_commit(request, transaction, CREATED, json, err);

    if (r == 0)
        return api_answer(request, CREATED, json, err);
    json_decref(json);
    return MIN(r, 0);
}

int api_answer_once(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err)
{
    json_t *later =
        json_pack("{s:{s:s, s:s, s:n}}", "error", "kind", "exists", "message",
                  "this was made already, and what was shown then is shown once", "field");
    int r = keep_and_commit(request, transaction, CONFLICT, later, err);

    json_decref(later);
    if (r == 0)
        return api_answer(request, CREATED, json, err);
    json_decref(json);
    return MIN(r, 0);
}

int api_answer_job(struct api_request *request, struct transaction *transaction, int64_t job_id,
                   struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    int64_t                 wait_s;

    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (waiting_read(&wait_s, request, err) < 0 ||
        job_find(job, request->web->db, job_id, VIEWER_ALL, err) < 0)
        return -1;
    json_t *json = json_pack("{s:o}", "job", api_job_json(job));
    int     r = keep_and_commit(request, transaction, ACCEPTED, json, err);
    json_decref(json);
    return r == 0 ? waiting_answer(request, job_id, wait_s, err) : MIN(r, 0);
}
