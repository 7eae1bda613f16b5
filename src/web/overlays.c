// SPDX-License-Identifier: MIT

// overlays: whose they are, their settings, and what is built of them.
//
// The host has them; here are rows that say whose they are, for which the worker sees to it that
// each has one. What changes something on the host is a job.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host/source.h"
#include "overlay/type.h"
#include "web/lines.h"
#include "web/passing.h"
#include "web/shown.h"

#define LINES_USUAL 500
#define TEXT_MAX    6000u // bytes of a text that comes with the making

// ---- looking ----------------------------------------------------------------------------------

static int list_said(struct api_request *request, json_t *said, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    int64_t                             viewer = user_viewer(&request->user);
    struct owned_overlay                overlay;
    int                                 r;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while ((r = owned_overlay_next(&overlay, request->web->db, page.at, viewer, err)) > 0 &&
           api_page_add(&page, overlay.id, shown_overlay(&overlay, said)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "overlays", err);
}

static const char *const list_words[] = { "overlay", "list", NULL };

static int list_run(struct api_request *request, struct error *err)
{
    return api_ctl(request, list_words, NULL, 0, list_said, err);
}

static int show_said(struct api_request *request, json_t *said, struct error *err)
{
    struct owned_overlay overlay;

    if (owned_overlay_find(&overlay, request->web->db, request->parameters[0],
                           user_viewer(&request->user), err) < 0)
        return -1;
    return api_answer(request, 200, shown_overlay(&overlay, said), err);
}

static int show_run(struct api_request *request, struct error *err)
{
    return api_ctl(request, list_words, NULL, 0, show_said, err);
}

// ---- making and settings ----------------------------------------------------------------------

static int read_name(json_t *parameters, struct api_request *request, struct error *err)
{
    char name[SOURCE_NAME_MAX + 1];

    if (api_text(name, sizeof name, 1, request, "name", err) < 0)
        return -1;
    if (source_check_name(name, err) < 0)
        return api_about(request, "name");
    return json_object_set_new(parameters, "name", json_string(name));
}

static int read_refresh(json_t *parameters, struct api_request *request, struct error *err)
{
    char word[16];

    if (api_text(word, sizeof word, 1, request, "refresh", err) < 0)
        return -1;
    if (strcmp(word, "daily") != 0 && strcmp(word, "never") != 0) {
        (void)error_set(err, ERROR_INVALID, "'refresh' is 'daily' or 'never'");
        return api_about(request, "refresh");
    }
    return json_object_set_new(parameters, "refresh", json_string(word));
}

static int read_keep(json_t *parameters, struct api_request *request, struct error *err)
{
    int64_t keep;

    return api_number(&keep, request, "keep", 0, KEEP_MAX, err) < 0
               ? -1
               : json_object_set_new(parameters, "keep", json_integer(keep));
}

static int read_output_max(json_t *parameters, struct api_request *request, struct error *err)
{
    int64_t bytes;

    return api_number(&bytes, request, "output_max", 0, (int64_t)OUTPUT_MAX_MAX, err) < 0
               ? -1
               : json_object_set_new(parameters, "output_max", json_integer(bytes));
}

static int read_type(json_t *parameters, struct api_request *request, struct error *err)
{
    char word[16];

    if (api_text(word, sizeof word, 1, request, "type", err) < 0)
        return -1;
    if (overlay_type_of(word) <= OVERLAY_GAME) {
        (void)error_set(err, ERROR_INVALID, "'type' is 'script', 'workshop' or 'files'");
        return api_about(request, "type");
    }
    return json_object_set_new(parameters, "type", json_string(word));
}

// It is a part of the job, which is no place for a long one.
static int read_text(json_t *parameters, struct api_request *request, struct error *err)
{
    json_t       *text = json_object_get(request->body, "text");
    struct source source = { .type = overlay_type_of(
                                 json_string_value(json_object_get(parameters, "type"))) };
    const char   *bytes = json_string_value(text);

    (void)api_about(request, "text");
    if (!bytes)
        return error_set(err, ERROR_INVALID, "'text' must be a text");
    if (!source_text_file(source.type))
        return error_set(err, ERROR_INVALID, "an overlay of this type is not made from a text");
    if (json_string_length(text) > TEXT_MAX)
        return error_set(err, ERROR_INVALID,
                         "'text' has up to %u bytes here: give a longer one to the overlay when it "
                         "is made",
                         TEXT_MAX);
    if (source_check_text(&source, bytes, json_string_length(text), err) < 0)
        return -1;
    *request->field = '\0';
    return json_object_set(parameters, "text", text);
}

struct reader_row {
    const char *field;
    bool        is_required;
    int (*read)(json_t *parameters, struct api_request *request, struct error *err);
};

static int read_rows(json_t *parameters, struct api_request *request, const struct reader_row *rows,
                     size_t n, struct error *err)
{
    *err = (struct error){ 0 };
    for (size_t i = 0; i < n; i++)
        if ((rows[i].is_required || api_has(request, rows[i].field)) &&
            rows[i].read(parameters, request, err) < 0)
            return err->kind ? -1 : error_set(err, ERROR_NO_SPACE, "out of memory");
    return 0;
}

static int create_run(struct api_request *request, struct error *err)
{
    static const char *const       fields[] = { "name",       "type", "refresh", "keep",
                                                "output_max", "text", NULL };
    static const struct reader_row rows[] = {
        { "name", true, read_name },
        { "type", true, read_type },
        { "refresh", false, read_refresh },
        { "keep", false, read_keep },
        { "output_max", false, read_output_max },
        { "text", false, read_text },
    };
    json_t *parameters = json_object();

    if (api_check_fields(request, fields, err) < 0 ||
        read_rows(parameters, request, rows, ELEMENTS(rows), err) < 0) {
        json_decref(parameters);
        return -1;
    }
    return api_run_job(request, "overlay.create", 0, 0, parameters, err);
}

static void subject_of(char ret[32], const struct api_request *request)
{
    (void)snprintf(ret, 32, "overlay %lld", (long long)request->parameters[0]); // it fits
}

// Whether others see it is for us to know.
static int set_shared(struct api_request *request, struct error *err)
{
    bool is_shared = false;
    char subject[32];

    if (!api_has(request, "shared"))
        return 0;
    subject_of(subject, request);
    if (api_bool(&is_shared, request, "shared", err) < 0 ||
        owned_overlay_set_shared(request->web->db, request->overlay->id, is_shared,
                                 api_now_unix_s(), err) < 0)
        return -1;
    return api_audit(request, "overlay.share", subject,
                     json_pack("{s:b}", "shared", (int)request->overlay->is_shared),
                     json_pack("{s:b}", "shared", (int)is_shared), err);
}

// Takes the parameters.
static int change(struct api_request *request, json_t *parameters, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    int64_t                                   job = 0;
    bool                                      has_job = json_object_size(parameters) > 0;

    if (transaction_begin(&transaction, request->web->db, err) < 0 ||
        set_shared(request, err) < 0) {
        json_decref(parameters);
        return -1;
    }
    if (!has_job) {
        json_decref(parameters);
        return api_commit(request, &transaction, err) < 0 ? -1 : show_run(request, err);
    }
    if (api_job_add(&job, request, "overlay.set", 0, request->overlay->id, parameters, err) < 0)
        return -1;
    return api_answer_job(request, &transaction, job, err);
}

static int change_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "refresh", "keep", "output_max", "shared", NULL };
    static const struct reader_row rows[] = {
        { "name", false, read_name },
        { "refresh", false, read_refresh },
        { "keep", false, read_keep },
        { "output_max", false, read_output_max },
    };
    json_t *parameters = json_object();

    if (api_check_fields(request, fields, err) == 0 &&
        read_rows(parameters, request, rows, ELEMENTS(rows), err) == 0)
        return change(request, parameters, err);
    json_decref(parameters);
    return -1;
}

static int remove_run(struct api_request *request, struct error *err)
{
    if (owned_overlay_check_unused(request->web->db, request->overlay->id,
                                   user_viewer(&request->user), err) < 0)
        return -1;
    return api_run_job(request, "overlay.delete", 0, request->overlay->id, NULL, err);
}

// ---- building ---------------------------------------------------------------------------------

static int read_hold(json_t **ret, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "hold", NULL };
    bool                     is_held = false;

    if (api_check_fields(request, fields, err) < 0 ||
        (api_has(request, "hold") && api_bool(&is_held, request, "hold", err) < 0))
        return -1;
    *ret = is_held ? json_pack("{s:b}", "hold", 1) : NULL;
    return 0;
}

static int build_run(struct api_request *request, struct error *err)
{
    json_t *parameters = NULL;

    return read_hold(&parameters, request, err) < 0
               ? -1
               : api_run_job(request, "overlay.build", 0, request->overlay->id, parameters, err);
}

static int wipe_run(struct api_request *request, struct error *err)
{
    json_t *parameters = NULL;

    return read_hold(&parameters, request, err) < 0
               ? -1
               : api_run_job(request, "overlay.wipe", 0, request->overlay->id, parameters, err);
}

static int choose(struct api_request *request, const char *kind, bool is_required,
                  struct error *err)
{
    static const char *const fields[] = { "generation", NULL };
    json_t                  *parameters = NULL;
    int64_t                  generation = 0;

    if (api_check_fields(request, fields, err) < 0 ||
        ((is_required || api_has(request, "generation")) &&
         api_number(&generation, request, "generation", 1, NUMBER_MAX, err) < 0))
        return -1;
    if (generation)
        parameters = json_pack("{s:I}", "generation", (json_int_t)generation);
    return api_run_job(request, kind, 0, request->overlay->id, parameters, err);
}

static int select_run(struct api_request *request, struct error *err)
{
    return choose(request, "overlay.select", true, err);
}

static int rollback_run(struct api_request *request, struct error *err)
{
    return choose(request, "overlay.rollback", false, err);
}

// ---- the log, generations, differences --------------------------------------------------------

static void print_overlay(char ret[24], const struct api_request *request)
{
    (void)snprintf(ret, 24, "%" PRId64, request->parameters[0]); // it fits
}

static int generations_run(struct api_request *request, struct error *err)
{
    static const char *const words[] = { "overlay", "show", NULL };
    char                     overlay[24];

    print_overlay(overlay, request);
    return passing_json(request, words, overlay, err);
}

static int log_run(struct api_request *request, struct error *err)
{
    int64_t n;
    char    lines[32], overlay[24];

    if (api_query_number(&n, request, "lines", 1, LOG_LINES_MAX, LINES_USUAL, err) < 0)
        return -1;
    print_overlay(overlay, request);
    (void)snprintf(lines, sizeof lines, "--lines=%" PRId64, n); // it fits
    const char *const words[] = { "overlay", "log", lines, NULL };
    return lines_answer(request, words, overlay, err);
}

// Of numbers that may be missing, from the left to the right.
static int diff_run(struct api_request *request, struct error *err)
{
    char        overlay[24], from[24], to[24];
    int64_t     numbers[2];
    const char *words[] = { "overlay", "diff", "--json", "--", overlay, NULL, NULL, NULL };
    const struct passing_options options = { .words = words, .type = "application/json" };

    if (api_query_number(&numbers[0], request, "from", 1, NUMBER_MAX, 0, err) < 0 ||
        api_query_number(&numbers[1], request, "to", 1, NUMBER_MAX, 0, err) < 0)
        return -1;
    if (numbers[1] && !numbers[0]) {
        (void)error_set(err, ERROR_INVALID, "'to' wants a 'from'");
        return api_about(request, "from");
    }
    print_overlay(overlay, request);
    (void)snprintf(from, sizeof from, "%" PRId64, numbers[0]); // they fit
    (void)snprintf(to, sizeof to, "%" PRId64, numbers[1]);
    words[5] = numbers[0] ? from : NULL;
    words[6] = numbers[1] ? to : NULL;
    return passing_run(request, &options, err);
}

static int explain_run(struct api_request *request, struct error *err)
{
    char        overlay[24], generation[24];
    int64_t     number;
    const char *words[] = { "overlay", "explain", "--json", "--", overlay, NULL, NULL };
    const struct passing_options options = { .words = words, .type = "application/json" };

    if (api_query_number(&number, request, "generation", 1, NUMBER_MAX, 0, err) < 0)
        return -1;
    print_overlay(overlay, request);
    (void)snprintf(generation, sizeof generation, "%" PRId64, number); // it fits
    words[5] = number ? generation : NULL;
    return passing_run(request, &options, err);
}

// ---- cancelling -------------------------------------------------------------------------------

static bool is_of_build(const struct job *job)
{
    static const char *const kinds[] = { "overlay.build", "overlay.wipe", "game.install" };
    bool                     is_one = false;

    for (size_t i = 0; i < ELEMENTS(kinds); i++)
        is_one = is_one || strcmp(job->kind, kinds[i]) == 0;
    return is_one && (job->state == JOB_QUEUED || job->state == JOB_RUNNING);
}

// The jobs that build it, the newest of which is in *ret. 1: there are some.
static int cancel_jobs(struct job *ret, struct api_request *request, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    const struct job_filter filter = { .viewer = VIEWER_ALL, .overlay = request->overlay->id };
    unsigned                n = 0, n_found = 0;
    int                     r = 0;

    if (!job)
        return error_sys(err, ENOMEM, "looking at jobs");
    while (n++ < API_LIST_MAX && (r = job_next(job, request->web->db, job->id, &filter, err)) > 0) {
        if (!is_of_build(job) || job->is_cancelled)
            continue;
        if (n_found++ == 0)
            *ret = *job;
        if (job_cancel(request->web->db, job->id, api_now_us(), err) < 0)
            return -1;
    }
    return r < 0 ? -1 : n_found > 0;
}

// A build that no job has begun is ended by one.
static int cancel_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) struct job                   *job = calloc(1, sizeof *job);
    char                                      subject[32];

    if (!job)
        return error_sys(err, ENOMEM, "looking at jobs");
    if (transaction_begin(&transaction, request->web->db, err) < 0)
        return -1;
    int r = cancel_jobs(job, request, err);
    if (r < 0)
        return -1;
    subject_of(subject, request);
    if (r > 0 && api_audit(request, "overlay.cancel", subject, NULL, NULL, err) < 0)
        return -1;
    if (r == 0 &&
        api_job_add(&job->id, request, "overlay.cancel", 0, request->overlay->id, NULL, err) < 0)
        return -1;
    return api_answer_job(request, &transaction, job->id, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/overlays", API_USER, TOKEN_READ, list_run, API_NONE, 0, API_EMPTY, 0 },
    { HTTP_POST, "/overlays", API_USER, TOKEN_MANAGE, create_run, API_NONE, 0, API_JSON, 0 },
    { HTTP_GET, "/overlays/#", API_USER, TOKEN_READ, show_run, API_OVERLAY, GRANT_VIEW, API_EMPTY,
      0 },
    { HTTP_PATCH, "/overlays/#", API_USER, TOKEN_MANAGE, change_run, API_OVERLAY, GRANT_MANAGE,
      API_JSON, 0 },
    { HTTP_DELETE, "/overlays/#", API_USER, TOKEN_MANAGE, remove_run, API_OVERLAY, GRANT_MANAGE,
      API_EMPTY, 0 },
    { HTTP_POST, "/overlays/#/build", API_USER, TOKEN_OPERATE, build_run, API_OVERLAY,
      GRANT_OPERATE, API_OPTIONAL, 0 },
    { HTTP_POST, "/overlays/#/wipe", API_USER, TOKEN_OPERATE, wipe_run, API_OVERLAY, GRANT_OPERATE,
      API_OPTIONAL, 0 },
    { HTTP_POST, "/overlays/#/select", API_USER, TOKEN_OPERATE, select_run, API_OVERLAY,
      GRANT_OPERATE, API_JSON, 0 },
    { HTTP_POST, "/overlays/#/rollback", API_USER, TOKEN_OPERATE, rollback_run, API_OVERLAY,
      GRANT_OPERATE, API_OPTIONAL, 0 },
    { HTTP_POST, "/overlays/#/cancel", API_USER, TOKEN_OPERATE, cancel_run, API_OVERLAY,
      GRANT_OPERATE, API_EMPTY, 0 },
    { HTTP_GET, "/overlays/#/generations", API_USER, TOKEN_READ, generations_run, API_OVERLAY,
      GRANT_VIEW, API_EMPTY, 0 },
    { HTTP_GET, "/overlays/#/diff", API_USER, TOKEN_READ, diff_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_GET, "/overlays/#/explain", API_USER, TOKEN_READ, explain_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_GET, "/overlays/#/log", API_USER, TOKEN_READ, log_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
};

const struct route_table overlay_routes = { routes, ELEMENTS(routes) };
