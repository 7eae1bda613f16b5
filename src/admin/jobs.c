// SPDX-License-Identifier: MIT

// jobs: what was asked for and what became of it. A log is followed by the worker's bell; without a
// worker nothing is to be heard, and it is looked once a second whether there is one.

#include "admin/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>
#include "base/number.h"
#include "store/job.h"
#include "work/bell.h"

#define LIST_MAX    50u
#define AGAIN_US    (BELL_AGAIN_MS * UINT64_C(1000))
#define ACCURACY_US UINT64_C(100000)

// ---- one of them -------------------------------------------------------------------------------

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *error_of(const struct job *job)
{
    return job->state == JOB_FAILED
               ? json_pack("{s:s, s:s}", "kind", error_kind_info(job->error_kind)->word, "message",
                           job->error_message)
               : json_null();
}

// An empty text is no JSON.
static json_t *document(const char *text)
{
    json_t *json = *text ? json_loads(text, 0, NULL) : NULL;

    return json ? json : json_object();
}

// As the API shows it.
static json_t *job_json(const struct job *job)
{
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "id",
        (json_int_t)job->id, "kind", job->kind, "server", number_or_null(job->server), "overlay",
        number_or_null(job->overlay), "asked_by", number_or_null(job->asked_by), "asked_by_name",
        job->asked_by_name, "state", job_state_word(job->state), "progress",
        job->progress < 0 ? json_null() : json_integer(job->progress), "cancelling",
        (int)job->is_cancelled, "error", error_of(job), "result", document(job->result),
        "parameters", document(job->parameters), "created_us", (json_int_t)job->created_us,
        "started_us", number_or_null(job->started_us), "ended_us", number_or_null(job->ended_us));
}

static void add_job(struct buffer *text, const struct job *job)
{
    char created[ADMIN_TIME_MAX];

    admin_time(created, job->created_us / 1000000);
    buffer_printf(text, "%-7" PRId64 " %-16s %-10s %-18s", job->id, created,
                  job_state_word(job->state), job->kind);
    if (job->server)
        buffer_printf(text, " server %" PRId64, job->server);
    if (job->overlay)
        buffer_printf(text, " overlay %" PRId64, job->overlay);
    buffer_printf(text, " by %s", job->asked_by_name);
    if (job->state == JOB_FAILED) {
        buffer_add_string(text, ": ");
        buffer_add_escaped(text, job->error_message, strlen(job->error_message));
    }
}

static int say_job(const struct admin *admin, const struct job *job, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    add_job(&text, job);
    if (buffer_check(&text, err) < 0)
        return -1;
    return admin_say(admin, job_json(job), text.bytes, err);
}

static int read_id(int64_t *ret, const struct admin *admin, struct error *err)
{
    uint64_t id = 0;

    if (number_parse_u64(&id, admin->args[0], 1, INT64_MAX, err) < 0)
        return error_prefix(err, "ID");
    *ret = (int64_t)id;
    return 0;
}

// ---- list, cancel ------------------------------------------------------------------------------

int job_list_run(struct admin *admin, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    struct job_filter       filter = { .viewer = VIEWER_ALL };
    int64_t                 before = 0;
    int                     r = 0;

    if (!job)
        return error_sys(err, ENOMEM, "listing the jobs");
    for (unsigned i = 0; i < LIST_MAX && (r = job_next(job, admin->db, before, &filter, err)) > 0;
         i++) {
        if (say_job(admin, job, err) < 0)
            return -1;
        before = job->id;
    }
    if (r == 0 && before == 0 && !admin->is_json)
        puts("There was no job yet.");
    return r < 0 ? -1 : 0;
}

int job_cancel_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) struct job                   *job = calloc(1, sizeof *job);
    char                                      subject[40];
    int64_t                                   id = 0;

    if (!job)
        return error_sys(err, ENOMEM, "cancelling a job");
    if (read_id(&id, admin, err) < 0)
        return -1;
    (void)snprintf(subject, sizeof subject, "job %" PRId64, id); // it fits
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        job_cancel(admin->db, id, admin_now_us(), err) < 0 ||
        admin_record(admin, "job.cancel", subject, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0 ||
        job_find(job, admin->db, id, VIEWER_ALL, err) < 0)
        return -1;
    return say_job(admin, job, err);
}

// ---- show --------------------------------------------------------------------------------------

struct follow {
    struct admin *admin;
    struct job   *job;
    sd_event     *event;
    int64_t       line; // the last one that was shown
    struct error  err;
};

static int say_line(const struct follow *follow, const struct job_line *line, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_add_escaped(&text, line->text, strlen(line->text));
    if (buffer_check(&text, err) < 0)
        return -1;
    return admin_say(follow->admin,
                     json_pack("{s:I, s:I, s:I, s:s, s:s}", "job", (json_int_t)follow->job->id,
                               "number", (json_int_t)line->number, "time_us",
                               (json_int_t)line->time_us, "stream", job_stream_word(line->stream),
                               "text", line->text),
                     text.n ? text.bytes : "", err);
}

static int show_lines(struct follow *follow, struct error *err)
{
    AUTO(statement_done) struct statement lines = { 0 };
    struct job_line                       line;
    int                                   r;

    if (job_lines_begin(&lines, follow->admin->db, follow->job->id, follow->line, err) < 0)
        return -1;
    while ((r = job_lines_next(&line, &lines, err)) > 0) {
        if (say_line(follow, &line, err) < 0)
            return -1;
        follow->line = line.number;
    }
    (void)fflush(stdout); // main checks it
    return r;
}

// State first: what is written before its end is shown then.
static int look(struct follow *follow, bool *ret_has_ended, struct error *err)
{
    if (job_find(follow->job, follow->admin->db, follow->job->id, VIEWER_ALL, err) < 0)
        return -1;
    *ret_has_ended = follow->job->ended_us != 0;
    return show_lines(follow, err);
}

static void look_again(void *context)
{
    struct follow *follow = context;
    bool           has_ended = false;

    int r = look(follow, &has_ended, &follow->err);
    if (r < 0 || has_ended)
        (void)sd_event_exit(follow->event, r < 0); // it runs
}

static int tick(sd_event_source *source, uint64_t now, void *context)
{
    look_again(context);
    (void)sd_event_source_set_time(source, now + AGAIN_US); // as it was
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int wait_for_end(struct follow *follow, struct error *err)
{
    struct bell *bell = NULL;
    int          code = -1;
    int          r = sd_event_new(&follow->event);

    if (r < 0)
        return error_sys(err, -r, "following a job");
    r = sd_event_add_time_relative(follow->event, NULL, CLOCK_MONOTONIC, AGAIN_US, ACCURACY_US,
                                   tick, follow);
    if (r < 0)
        error_sys(err, -r, "following a job");
    else if (bell_open(&bell, follow->event, follow->admin->places.worker_socket, look_again,
                       follow, err) == 0) {
        look_again(follow); // what came before the bell was heard
        r = sd_event_loop(follow->event);
        code = r == 0 ? 0 : -1;
        if (r != 0)
            *err = follow->err;
        if (r < 0)
            error_sys(err, -r, "following a job");
    }
    (void)bell_close(bell);
    follow->event = sd_event_unref(follow->event);
    return code;
}

static int report_end(const struct follow *follow, struct error *err)
{
    const struct job *job = follow->job;

    if (say_job(follow->admin, job, err) < 0)
        return -1;
    if (job->state == JOB_FAILED)
        return error_set(err, job->error_kind, "%s", job->error_message);
    if (job->state == JOB_CANCELLED)
        return error_set(err, ERROR_FAILED, "the job was cancelled");
    return 0;
}

int job_follow(struct admin *admin, int64_t id, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    struct follow           follow = { .admin = admin, .job = job };

    if (!job)
        return error_sys(err, ENOMEM, "following a job");
    job->id = id;
    return wait_for_end(&follow, err) < 0 ? -1 : report_end(&follow, err);
}

int job_show_run(struct admin *admin, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    struct follow           follow = { .admin = admin, .job = job };

    if (!job)
        return error_sys(err, ENOMEM, "showing a job");
    if (read_id(&job->id, admin, err) < 0 || job_find(job, admin->db, job->id, VIEWER_ALL, err) < 0)
        return -1;
    if (admin_has(admin, OPTION_FOLLOW))
        return job_follow(admin, job->id, err);
    return say_job(admin, job, err) < 0 ? -1 : show_lines(&follow, err);
}

// ---- workshop-refresh --------------------------------------------------------------------------

int workshop_refresh_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) struct job                   *job = calloc(1, sizeof *job);
    const struct admin_job                    wanted = { .kind = "overlay.refresh" };
    int64_t                                   id = 0;

    if (!job)
        return error_sys(err, ENOMEM, "asking for a job");
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        admin_job_add(&id, admin, &wanted, err) < 0 || transaction_commit(&transaction, err) < 0 ||
        job_find(job, admin->db, id, VIEWER_ALL, err) < 0)
        return -1;
    (void)bell_poke_once(admin->places.worker_socket); // or it looks when it begins
    if (!admin_has(admin, OPTION_WAIT))
        return say_job(admin, job, err);
    return job_follow(admin, id, err);
}
