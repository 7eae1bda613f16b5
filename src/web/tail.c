// SPDX-License-Identifier: MIT
#include "web/tailparts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/macros.h"

#define AGAIN_MS 1000u // until a log reader that has ended is begun again
#define GRACE_MS 1000u

// ---- lines ------------------------------------------------------------------------------------

static struct tail_line *place(struct tail *tail, uint64_t number)
{
    return &tail->lines[number % TAIL_LINES_MAX];
}

const struct tail_line *tail_line(const struct tail *tail, uint64_t number)
{
    assert(number >= tail->first && number < tail->end);
    return &tail->lines[number % TAIL_LINES_MAX];
}

static void drop_first(struct tail *tail)
{
    struct tail_line *line = place(tail, tail->first);

    tail->n_bytes -= line->n;
    free(line->json);
    *line = (struct tail_line){ 0 };
    tail->first++;
}

// Takes its text.
static void add(struct tail *tail, const struct tail_line *line)
{
    while (tail->first < tail->end &&
           (tail->end - tail->first == TAIL_LINES_MAX || tail->n_bytes + line->n > TAIL_BYTES_MAX))
        drop_first(tail);
    *place(tail, tail->end) = *line;
    tail->n_bytes += line->n;
    tail->end++;
}

static const struct tail_line *last(const struct tail *tail)
{
    return tail->end > tail->first ? tail_line(tail, tail->end - 1) : NULL;
}

// Behind the last line that there is.
static void add_gap(struct tail *tail)
{
    const struct tail_line gap = { .mark = tail_line(tail, tail->end - 1)->mark,
                                   .is_sure = true,
                                   .is_gap = true };

    add(tail, &gap);
}

bool tail_find(uint64_t *ret, const struct tail *tail, const struct heard_mark *mark)
{
    for (uint64_t i = tail->end; i > tail->first; i--) {
        const struct tail_line *line = tail_line(tail, i - 1);
        if (line->is_sure && heard_mark_compare(&line->mark, mark) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

// ---- where it goes on --------------------------------------------------------------------------

// Of a reader that was begun again: whether this line is one that is not here yet. The clock of a
// machine can have been set back, so the last line that is here is looked for as it is; only when
// something newer comes, or all has come that was asked for, it is not there any more.
static bool is_new(struct tail *tail, const struct tail_line *line)
{
    const struct tail_line *known = last(tail);

    if (!tail->is_behind)
        return true;
    if (!known) {
        tail->is_behind = false;
        return true;
    }
    int difference = heard_mark_compare(&line->mark, &known->mark);
    if (difference == 0) {
        tail->is_behind = false;
        return false;
    }
    if (difference < 0 && tail->reading.n < TAIL_LINES_MAX)
        return false;
    tail->is_behind = false;
    add_gap(tail);
    return true;
}

static void take(void *context, enum ctl_stream stream, const char *text, size_t n, bool is_cut)
{
    struct tail     *tail = context;
    struct tail_line line;
    struct error     ignored;

    // What it says to stderr is why it ends, and it is begun again.
    if (stream != CTL_OUTPUT || is_cut || tail_parse(&line, &tail->reading, text, n, &ignored) < 0)
        return;
    if (!is_new(tail, &line)) {
        free(line.json);
        return;
    }
    add(tail, &line);
    if (tail->is_ready)
        tail->tails->came(tail->tails->context, tail);
}

// ---- the log reader ----------------------------------------------------------------------------

static const struct ctl_limits limits = { .grace_ms = GRACE_MS, .line_bytes = TAIL_TEXT_MAX };

// `last_word` may be NULL.
int tail_run(struct ctl **ret, const struct tail *tail, const char *n_lines, const char *last_word,
             const struct ctl_handler *handler, void *context, struct error *err)
{
    const char *const        words[] = { "logs",    tail->instance, "--json",  "--all-runs",
                                         "--lines", n_lines,        last_word, NULL };
    const struct ctl_request request = { .mode = CTL_LINES, .words = words, .limits = limits };

    return ctl_run(ret, tail->tails->pool, &request, handler, context, err);
}

static void set_again(struct tail *tail)
{
    (void)sd_event_source_set_time_relative(tail->again, AGAIN_MS * 1000ull);
    (void)sd_event_source_set_enabled(tail->again, SD_EVENT_ONESHOT); // no way to fail
}

static void followed(void *context, const struct ctl_end *end)
{
    struct tail *tail = context;

    (void)end;
    tail->ctl = NULL;
    set_again(tail);
}

static void follow(struct tail *tail)
{
    static const struct ctl_handler handler = { .line = take, .done = followed };
    struct error                    ignored; // it is tried again

    tail->is_behind = true;
    tail->reading = (struct tail_reading){ .server = tail->server };
    if (tail_run(&tail->ctl, tail, "1000", "--follow", &handler, tail, &ignored) < 0)
        set_again(tail);
}

// One who is not there yet on the host has no log: that is tried again as well.
static void looked_back(void *context, const struct ctl_end *end)
{
    struct tail *tail = context;

    tail->ctl = NULL;
    if (tail->reading.n < TAIL_LINES_MAX)
        for (uint64_t i = tail->first; i < tail->end; i++)
            place(tail, i)->is_sure = true; // it was all that there is
    tail->is_ready = true;
    if (end->cause == CTL_ENDED && end->code == 0)
        follow(tail);
    else
        set_again(tail);
    tail->tails->came(tail->tails->context, tail);
}

static void look_back(struct tail *tail)
{
    static const struct ctl_handler handler = { .line = take, .done = looked_back };
    struct error                    ignored;

    _Static_assert(TAIL_LINES_MAX == 1000, "as many as are asked for");
    tail->reading = (struct tail_reading){ .server = tail->server };
    if (tail_run(&tail->ctl, tail, "1000", NULL, &handler, tail, &ignored) < 0)
        set_again(tail);
}

static int begin_again(sd_event_source *source, uint64_t usec, void *context)
{
    struct tail *tail = context;

    (void)source;
    (void)usec;
    if (tail->is_ready)
        follow(tail);
    else
        look_back(tail);
    return 0;
}

// ---- one of them ------------------------------------------------------------------------------

static void free_tail(struct tail *tail)
{
    struct tails *tails = tail->tails;

    for (struct tail **t = &tails->all; *t; t = &(*t)->next)
        if (*t == tail) {
            *t = tail->next;
            tails->n--;
            break;
        }
    if (tail->ctl)
        ctl_leave(tail->ctl);
    while (tail->first < tail->end)
        drop_first(tail);
    (void)sd_event_source_disable_unref(tail->again);
    (void)sd_event_source_disable_unref(tail->end_timer);
    free(tail);
}

static int expire(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    free_tail(context);
    return 0;
}

// NULL: out of memory.
static struct tail *make(struct tails *tails, int64_t server, const char *instance)
{
    struct tail *tail = calloc(1, sizeof *tail);

    if (!tail)
        return NULL;
    tail->tails = tails;
    tail->server = server;
    (void)snprintf(tail->instance, sizeof tail->instance, "%s", instance); // it fits
    tail->next = tails->all;
    tails->all = tail;
    tails->n++;
    if (sd_event_add_time_relative(tails->event, &tail->again, CLOCK_MONOTONIC, 0, 0, begin_again,
                                   tail) < 0 ||
        sd_event_add_time_relative(tails->event, &tail->end_timer, CLOCK_MONOTONIC, 0, 0, expire,
                                   tail) < 0) {
        free_tail(tail);
        return NULL;
    }
    (void)sd_event_source_set_enabled(tail->end_timer, SD_EVENT_OFF); // it can be switched off
    return tail;
}

// One that nobody listens to makes room.
static bool has_room(struct tails *tails)
{
    for (struct tail *tail = tails->all; tails->n == TAILS_MAX && tail; tail = tail->next)
        if (tail->n_refs == 0) {
            free_tail(tail);
            break;
        }
    return tails->n < TAILS_MAX;
}

int tail_get(struct tail **ret, struct tails *tails, int64_t server, const char *instance,
             struct error *err)
{
    struct tail *tail = tails->all;

    while (tail && tail->server != server)
        tail = tail->next;
    if (!tail && !has_room(tails))
        return error_set(err, ERROR_BUSY, "too many logs are listened to: try again later");
    if (!tail)
        tail = make(tails, server, instance);
    if (!tail)
        return error_sys(err, ENOMEM, "listening to the log");
    tail->n_refs++;
    (void)sd_event_source_set_enabled(tail->end_timer, SD_EVENT_OFF); // it can be switched off
    *ret = tail;
    return 0;
}

void tail_put(struct tail *tail)
{
    if (--tail->n_refs > 0)
        return;
    (void)sd_event_source_set_time_relative(tail->end_timer, TAIL_STAYS_MS * 1000ull);
    (void)sd_event_source_set_enabled(tail->end_timer, SD_EVENT_ONESHOT);
}

bool tail_is_ready(const struct tail *tail)
{
    return tail->is_ready;
}

uint64_t tail_first(const struct tail *tail)
{
    return tail->first;
}

uint64_t tail_next(const struct tail *tail)
{
    return tail->end;
}

// ---- all of them ------------------------------------------------------------------------------

int tails_open(struct tails **ret, sd_event *event, const char *ctl_path,
               void (*came)(void *context, struct tail *tail), void *context, struct error *err)
{
    struct tails *tails = calloc(1, sizeof *tails);

    if (!tails)
        return error_sys(err, ENOMEM, "making the logs of servers");
    if (ctl_pool_open(&tails->pool, event, ctl_path, TAILS_MAX + TAIL_PASTS_MAX, err) < 0) {
        free(tails);
        return -1;
    }
    tails->event = event;
    tails->came = came;
    tails->context = context;
    *ret = tails;
    return 0;
}

struct tails *tails_close(struct tails *tails)
{
    if (!tails)
        return NULL;
    while (tails->all)
        free_tail(tails->all);
    tails->pool = ctl_pool_close(tails->pool);
    free(tails);
    return NULL;
}
