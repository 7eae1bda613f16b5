// SPDX-License-Identifier: MIT
#include "web/beside.h"

#include <errno.h>
#include "work/bell.h"

#define BUSY "too much is read and written at this moment: try again soon"

// Who was allowed to when he asked is still, for so short a time.
int beside_open(struct aside **ret, sd_event *event, struct error *err)
{
    static const struct aside_limits limits = {
        .threads = 4, .tasks = 64, .of_user = 16, .at_once = 2, .wait_ms = 10000
    };

    return aside_open(ret, event, &limits, BUSY, err);
}

static void work_on(struct aside_task *task)
{
    struct beside *work = (struct beside *)task;

    work->has_failed = work->kind->work(work, &work->err) < 0;
}

static void drop(struct aside_task *task)
{
    beside_drop((struct beside *)task);
}

void beside_drop(struct beside *work)
{
    if (work->kind->done)
        work->kind->done(work);
    free(work);
}

static void tell(struct aside_task *task)
{
    struct beside      *work = (struct beside *)task;
    struct api_request *request = (struct api_request *)(uintptr_t)task->waiter;
    struct error        err = work->err;
    bool                has_failed = work->has_failed || task->is_late;

    if (request)
        request->forget = NULL;
    if (task->is_late)
        (void)error_set(&err, ERROR_UNAVAILABLE, BUSY);
    if ((has_failed || work->kind->said(work, request, &err) < 0) && request)
        api_answer_error(request, &err);
}

int beside_new(struct beside **ret, const struct beside_kind *kind,
               const struct api_request *request, struct error *err)
{
    struct beside *work = calloc(1, kind->size);

    if (!work)
        return error_sys(err, ENOMEM, "looking at files");
    work->task = (struct aside_task){
        .work = work_on, .done = tell, .drop = drop, .waiter = request, .user = request->user.id
    };
    work->kind = kind;
    work->web = request->web;
    work->paths = &request->web->paths;
    api_who(&work->who, request);
    *ret = work;
    return 0;
}

static void forget(struct api_request *request)
{
    aside_forget(request->web->aside, request);
}

int beside_run(struct beside *work, struct api_request *request, struct error *err)
{
    if (aside_run(request->web->aside, &work->task, err) < 0) {
        err->kind = ERROR_UNAVAILABLE; // nothing that the request is about is busy
        return -1;
    }
    request->forget = forget;
    return 0;
}

int beside_audit(const struct beside *work, const char *action, const char *subject, json_t *after,
                 struct error *err)
{
    return api_audit_as(work->web->db, &work->who, action, subject, NULL, after, err);
}

int beside_commit(const struct beside *work, struct transaction *transaction, struct error *err)
{
    if (transaction_commit(transaction, err) < 0)
        return -1;
    bell_poke(work->web->bell);
    return 0;
}
