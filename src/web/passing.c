// SPDX-License-Identifier: MIT
#include "web/passing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ctl/answer.h"
#include "web/download.h"

#define LINE_MAX_BYTES 4096u
#define GRACE_MS       1000u
#define NAME_BYTES     256u
#define WORDS_MAX      16u

struct passing {
    struct passing_place place;
    struct api_request  *request;
    struct ctl          *ctl;
    const char          *type;
    char                 begins;
    bool                 is_streaming;
    char                 name[NAME_BYTES];
    size_t               n;
    char                 bytes[PASSING_SHORT]; // until it is known what they are
};

struct passings {
    struct ctl_pool      *pool;
    struct passing_place *first; // of those that are taken
};

int passings_open(struct passings **ret, sd_event *event, const char *program, struct error *err)
{
    struct passings *passings = calloc(1, sizeof *passings);

    if (!passings)
        return error_sys(err, ENOMEM, "preparing to run commands");
    if (ctl_pool_open(&passings->pool, event, program, PASSING_MAX, err) < 0) {
        free(passings);
        return -1;
    }
    *ret = passings;
    return 0;
}

struct passings *passings_close(struct passings *passings)
{
    if (passings)
        passings->pool = ctl_pool_close(passings->pool);
    free(passings);
    return NULL;
}

// ---- one --------------------------------------------------------------------------------------

static void release(struct passing *passing)
{
    struct api_request *request = passing->request;

    passings_leave(&passing->place);
    request->work = NULL;
    request->forget = NULL;
    request->more = NULL;
    free(passing);
}

static void forget(struct api_request *request)
{
    struct passing *passing = request->work;

    ctl_leave(passing->ctl);
    release(passing);
}

static void more(struct api_request *request)
{
    ctl_resume(((struct passing *)request->work)->ctl);
}

// One that cannot be written to is gone: over() comes.
static void pass_on(struct passing *passing, const char *bytes, size_t n)
{
    struct http_exchange *exchange = passing->request->exchange;

    if (http_exchange_write(exchange, bytes, n) && http_exchange_pending(exchange) > 0)
        ctl_pause(passing->ctl);
}

static void begin_stream(struct passing *passing)
{
    passing->is_streaming = true;
    if (*passing->name)
        download_add_name(passing->request, passing->name);
    http_exchange_stream(passing->request->exchange, passing->type);
    passing->request->more = more;
    if (passing->n > 0)
        (void)http_exchange_write(passing->request->exchange, passing->bytes,
                                  passing->n); // as above
}

static void take(void *context, const char *bytes, size_t n)
{
    struct passing *passing = context;
    bool            is_known = passing->n == 0 && passing->begins && *bytes == passing->begins;

    if (!passing->is_streaming && (is_known || n > sizeof passing->bytes - passing->n))
        begin_stream(passing);
    if (passing->is_streaming) {
        pass_on(passing, bytes, n);
        return;
    }
    memcpy(passing->bytes + passing->n, bytes, n);
    passing->n += n;
}

static void answer_short(struct api_request *request, const struct passing *passing,
                         const struct ctl_end *end)
{
    json_t      *said = answer_last(passing->bytes, passing->n);
    struct error err = { 0 };

    if (answer_is_success(end) && said && !passing->begins) {
        http_exchange_answer(request->exchange, 200, passing->type, passing->bytes, passing->n);
        json_decref(said);
        return;
    }
    if (answer_is_success(end))
        (void)error_set(&err, ERROR_FAILED, "l4d2ctl gave no answer");
    else
        (void)answer_raise(end, said, &err);
    json_decref(said);
    api_answer_error(request, &err);
}

static void done(void *context, const struct ctl_end *end)
{
    struct passing     *passing = context;
    struct api_request *request = passing->request;

    if (!passing->is_streaming)
        answer_short(request, passing, end);
    else if (answer_is_success(end))
        http_exchange_end(request->exchange);
    else
        http_exchange_abort(request->exchange);
    release(passing);
}

// ---- asking -----------------------------------------------------------------------------------

static unsigned count(const struct passings *passings, int64_t user)
{
    unsigned n = 0;

    for (const struct passing_place *place = passings->first; place; place = place->next)
        n += place->user == user;
    return n;
}

static int full(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE,
                     "too much is looked up on this machine at this moment: try again soon");
}

int passings_begin(struct ctl **ret, struct passing_place *place, const struct api_request *request,
                   const struct ctl_request *wanted, const struct ctl_handler *handler,
                   void *context, struct error *err)
{
    struct passings *passings = request->web->passings;

    if (count(passings, request->user.id) >= PASSING_USER_MAX)
        return full(err);
    if (ctl_run(ret, passings->pool, wanted, handler, context, err) < 0)
        return err->kind == ERROR_BUSY ? full(err) : -1;
    *place = (struct passing_place){ passings->first, passings, request->user.id };
    passings->first = place;
    return 0;
}

void passings_leave(struct passing_place *place)
{
    struct passing_place **at = &place->passings->first;

    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
}

static int begin(struct passing *passing, const struct passing_options *options, struct error *err)
{
    static const struct ctl_handler handler = { .bytes = take, .done = done };
    const struct ctl_request        wanted = { .mode = CTL_BYTES,
                                               .words = options->words,
                                               .limits = { .grace_ms = GRACE_MS,
                                                           .line_bytes = LINE_MAX_BYTES } };
    struct api_request             *request = passing->request;

    if (passings_begin(&passing->ctl, &passing->place, request, &wanted, &handler, passing, err) <
        0)
        return -1;
    request->work = passing;
    request->forget = forget;
    return 0;
}

int passing_run(struct api_request *request, const struct passing_options *options,
                struct error *err)
{
    struct passing *passing = calloc(1, sizeof *passing);

    if (!passing)
        return error_sys(err, ENOMEM, "running l4d2ctl");
    passing->request = request;
    passing->type = options->type;
    passing->begins = options->begins;
    (void)snprintf(passing->name, sizeof passing->name, "%s", options->name ? options->name : "");
    if (begin(passing, options, err) == 0)
        return 0;
    free(passing);
    return -1;
}

int passing_json(struct api_request *request, const char *const *words, const char *argument,
                 struct error *err)
{
    const char                  *all[WORDS_MAX + 4];
    size_t                       n = 0;
    const struct passing_options options = { .words = all, .type = "application/json" };

    for (; n < WORDS_MAX && words[n]; n++)
        all[n] = words[n];
    all[n++] = "--json";
    all[n++] = "--"; // what a person gives is no option
    if (argument)
        all[n++] = argument;
    all[n] = NULL;
    return passing_run(request, &options, err);
}
