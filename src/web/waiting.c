// SPDX-License-Identifier: MIT
#include "web/waiting.h"

#include <errno.h>
#include "base/log.h"

struct wait {
    struct waiting_room *room;
    struct wait         *next, *prev;
    struct api_request  *request;
    int64_t              job;
    sd_event_source     *timer;
};

struct waiting_room {
    struct web      *web;
    sd_event_source *look; // at all of them, when the loop comes to it
    struct wait      all;  // the head of a ring
    unsigned         n;
    bool             is_closed; // nobody waits any more
};

// ---- one --------------------------------------------------------------------------------------

static void drop(struct wait *wait)
{
    wait->request->forget = NULL;
    wait->request->work = NULL;
    wait->timer = sd_event_source_disable_unref(wait->timer);
    wait->prev->next = wait->next;
    wait->next->prev = wait->prev;
    wait->room->n--;
    free(wait);
}

static void forget(struct api_request *request)
{
    drop(request->work);
}

static int answer_with(struct api_request *request, int status, const struct job *job,
                       struct error *err)
{
    return api_answer(request, status, json_pack("{s:o}", "job", api_job_json(job)), err);
}

static int answer(struct api_request *request, const struct job *job, struct error *err)
{
    switch (job->state) {
    case JOB_QUEUED:
    case JOB_RUNNING:
        return answer_with(request, 202, job, err);
    case JOB_FAILED:
        return error_set(err, job->error_kind, "%s", job->error_message);
    case JOB_CANCELLED:
        return error_set(err, ERROR_BUSY, "the job was cancelled");
    case JOB_DONE:
    case JOB_STATES:
        break;
    }
    return answer_with(request, 200, job, err);
}

static bool has_ended(const struct job *job)
{
    return job->state != JOB_QUEUED && job->state != JOB_RUNNING;
}

// Tells how far it is; `is_last`: even if it has not ended.
static void tell(struct wait *wait, bool is_last)
{
    struct api_request     *request = wait->request;
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    struct error            err = { 0 };
    int r = job ? job_find(job, wait->room->web->db, wait->job, VIEWER_ALL, &err)
                : error_set(&err, ERROR_NO_SPACE, "out of memory");

    if (r == 0 && !is_last && !has_ended(job))
        return;
    drop(wait);
    if (r < 0 || answer(request, job, &err) < 0)
        api_answer_error(request, &err);
}

static int expired(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    tell(context, true);
    return 0;
}

// ---- all of them ------------------------------------------------------------------------------

static void tell_all(struct waiting_room *room, bool is_last)
{
    for (struct wait *wait = room->all.next, *next; wait != &room->all; wait = next) {
        next = wait->next;
        tell(wait, is_last);
    }
}

static int look(sd_event_source *source, void *context)
{
    (void)source;
    tell_all(context, false);
    return 0;
}

int waiting_open(struct waiting_room **ret, struct web *web, struct error *err)
{
    struct waiting_room *room = calloc(1, sizeof *room);

    if (!room)
        return error_sys(err, ENOMEM, "making a room for those who wait");
    room->web = web;
    room->all.next = room->all.prev = &room->all;
    int r = sd_event_add_defer(web->event, &room->look, look, room);
    if (r >= 0)
        r = sd_event_source_set_enabled(room->look, SD_EVENT_OFF);
    if (r < 0) {
        waiting_close(room);
        return error_sys(err, -r, "making a room for those who wait");
    }
    *ret = room;
    return 0;
}

struct waiting_room *waiting_close(struct waiting_room *room)
{
    if (!room)
        return NULL;
    while (room->all.next != &room->all)
        drop(room->all.next);
    room->look = sd_event_source_disable_unref(room->look);
    free(room);
    return NULL;
}

void waiting_look(struct waiting_room *room)
{
    if (room->n > 0)
        (void)sd_event_source_set_enabled(room->look, SD_EVENT_ONESHOT); // no way to fail
}

void waiting_end(struct waiting_room *room)
{
    room->is_closed = true;
    tell_all(room, true);
}

// ---- asking -----------------------------------------------------------------------------------

static struct wait *make(struct waiting_room *room, int64_t wait_s)
{
    struct wait *wait = calloc(1, sizeof *wait);

    if (wait && sd_event_add_time_relative(room->web->event, &wait->timer, CLOCK_MONOTONIC,
                                           (uint64_t)wait_s * 1000000, 0, expired, wait) >= 0)
        return wait;
    free(wait);
    return NULL;
}

static void add(struct waiting_room *room, struct wait *wait, struct api_request *request,
                int64_t job)
{
    wait->room = room;
    wait->request = request;
    wait->job = job;
    wait->prev = room->all.prev;
    wait->next = &room->all;
    room->all.prev->next = wait;
    room->all.prev = wait;
    room->n++;
    request->work = wait;
    request->forget = forget;
}

int waiting_read(int64_t *ret_s, struct api_request *request, struct error *err)
{
    return api_query_number(ret_s, request, "wait", 1, API_WAIT_MAX_S, 0, err);
}

int waiting_answer(struct api_request *request, int64_t job_id, int64_t wait_s, struct error *err)
{
    struct waiting_room    *room = request->web->waiting;
    AUTO(freep) struct job *job = calloc(1, sizeof *job);

    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (job_find(job, request->web->db, job_id, VIEWER_ALL, err) < 0)
        return -1;
    if (wait_s == 0)
        return answer_with(request, 202, job, err);
    bool         may_wait = !has_ended(job) && !room->is_closed && room->n < WAITING_MAX;
    struct wait *wait = may_wait ? make(room, wait_s) : NULL;
    if (!wait)
        return answer(request, job, err);
    add(room, wait, request, job_id);
    return 0;
}
