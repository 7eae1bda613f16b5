// SPDX-License-Identifier: MIT
#include "web/tailparts.h"

#include <errno.h>
#include <stdlib.h>
#include "base/macros.h"

struct tail_past {
    struct tails       *tails;
    struct ctl         *ctl;
    struct tail_reading reading;
    tail_past_line     *line;
    tail_past_done     *done;
    void               *context;
    bool                is_over;
};

static void take_past(void *context, enum ctl_stream stream, const char *text, size_t n,
                      bool is_cut)
{
    struct tail_past *past = context;
    struct tail_line  line;
    struct error      ignored;

    if (stream != CTL_OUTPUT || is_cut || past->is_over ||
        tail_parse(&line, &past->reading, text, n, &ignored) < 0)
        return;
    past->is_over = past->line(past->context, &line) < 0;
    free(line.json);
    if (past->is_over)
        ctl_stop(past->ctl);
}

static void past_is_read(void *context, const struct ctl_end *end)
{
    struct tail_past *past = context;

    (void)end;
    past->ctl = NULL;
    past->done(past->context);
}

int tail_past_begin(struct tail_past **ret, struct tail *tail, tail_past_line *line,
                    tail_past_done *done, void *context, struct error *err)
{
    static const struct ctl_handler handler = { .line = take_past, .done = past_is_read };
    struct tails                   *tails = tail->tails;

    if (tails->n_pasts == TAIL_PASTS_MAX)
        return error_set(err, ERROR_BUSY, "too many logs are read back: try again later");
    struct tail_past *past = calloc(1, sizeof *past);
    if (!past)
        return error_sys(err, ENOMEM, "reading the log");
    *past = (struct tail_past){
        .tails = tails,
        .reading = { .server = tail->server },
        .line = line,
        .done = done,
        .context = context,
    };
    if (tail_run(&past->ctl, tail, "10000", NULL, &handler, past, err) < 0) {
        free(past);
        return -1;
    }
    tails->n_pasts++;
    *ret = past;
    return 0;
}

void tail_past_pause(struct tail_past *past)
{
    if (past->ctl)
        ctl_pause(past->ctl);
}

void tail_past_resume(struct tail_past *past)
{
    if (past->ctl)
        ctl_resume(past->ctl);
}

struct tail_past *tail_past_end(struct tail_past *past)
{
    if (!past)
        return NULL;
    if (past->ctl)
        ctl_leave(past->ctl);
    past->tails->n_pasts--;
    free(past);
    return NULL;
}
