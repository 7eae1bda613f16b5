// SPDX-License-Identifier: MIT
#include "web/lines.h"

#include <errno.h>
#include <string.h>
#include "ctl/answer.h"
#include "host/buffer.h"
#include "web/passing.h"

#define LINE_BYTES_MAX 65536u
#define TIME_MS        20000u
#define GRACE_MS       1000u
#define WORDS_MAX      16u
#define CUT_BYTES      (LINES_BYTES_MAX / 8) // that go at once

struct lines {
    struct passing_place place;
    struct api_request  *request;
    struct ctl          *ctl;
    struct buffer        rows; // each with a comma behind it, and an LF, of which JSON has no other
    json_t              *error;
};

static void release(struct lines *lines)
{
    passings_leave(&lines->place);
    lines->request->work = NULL;
    lines->request->forget = NULL;
    buffer_done(&lines->rows);
    json_decref(lines->error);
    free(lines);
}

static void forget(struct api_request *request)
{
    struct lines *lines = request->work;

    ctl_leave(lines->ctl);
    release(lines);
}

// ---- a line -----------------------------------------------------------------------------------

static json_t *time_of(const json_t *said)
{
    const json_t *us = json_object_get(said, "unix_us");
    const json_t *s = json_object_get(json_object_get(said, "time"), "unix_s");

    return json_integer(us ? json_integer_value(us) : json_integer_value(s) * 1000000);
}

static json_t *row_of(const json_t *said)
{
    static const char *const keys[] = { "priority", "run", "stream", "text" };
    json_t                  *row = json_pack("{s:o}", "time_us", time_of(said));

    for (size_t i = 0; i < ELEMENTS(keys); i++) {
        json_t *value = json_object_get(said, keys[i]);
        if (value)
            (void)json_object_set(row, keys[i], value); // absent without memory
    }
    return row;
}

// The oldest ones go.
static void make_room(struct buffer *rows)
{
    const char *end = memchr(rows->bytes + CUT_BYTES, '\n', rows->n - CUT_BYTES);
    size_t      n = end ? (size_t)(end - rows->bytes) + 1 : rows->n;

    memmove(rows->bytes, rows->bytes + n, rows->n - n + 1);
    rows->n -= n;
}

static void take(void *context, enum ctl_stream stream, const char *text, size_t n, bool is_cut)
{
    struct lines *lines = context;

    if (stream == CTL_ERROR || is_cut)
        return;
    json_t *said = json_loadb(text, n, 0, NULL);
    if (json_object_get(said, "text")) {
        json_t           *row = row_of(said);
        AUTO(freep) char *dumped = row ? json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        json_decref(row);
        if (lines->rows.n > LINES_BYTES_MAX)
            make_room(&lines->rows);
        if (dumped)
            buffer_printf(&lines->rows, "%s,\n", dumped);
    } else if (json_object_get(said, "error")) {
        json_decref(lines->error);
        lines->error = json_incref(said);
    }
    json_decref(said);
}

// ---- all of them ------------------------------------------------------------------------------

static int answer(const struct lines *lines, const struct ctl_end *end, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    size_t                          n = lines->rows.n;

    if (!answer_is_success(end))
        return answer_raise(end, lines->error, err);
    buffer_add_string(&text, "{\"lines\":[");
    if (n > 2)
        buffer_add(&text, lines->rows.bytes, n - 2); // without the last comma
    buffer_add_string(&text, "]}");
    if (buffer_check(&lines->rows, err) < 0 || buffer_check(&text, err) < 0)
        return -1;
    http_exchange_answer(lines->request->exchange, 200, "application/json", text.bytes, text.n);
    return 0;
}

static void done(void *context, const struct ctl_end *end)
{
    struct lines *lines = context;
    struct error  err = { 0 };

    if (answer(lines, end, &err) < 0)
        api_answer_error(lines->request, &err);
    release(lines);
}

static int begin(struct lines *lines, const char *const *words, const char *argument,
                 struct error *err)
{
    static const struct ctl_handler handler = { .line = take, .done = done };
    const char                     *all[WORDS_MAX + 4];
    size_t                          n = 0;
    const struct ctl_request        wanted = {
               .mode = CTL_LINES,
               .words = all,
               .limits = { .time_ms = TIME_MS, .grace_ms = GRACE_MS, .line_bytes = LINE_BYTES_MAX }
    };

    for (; n < WORDS_MAX && words[n]; n++)
        all[n] = words[n];
    all[n++] = "--json";
    all[n++] = "--";
    all[n++] = argument;
    all[n] = NULL;
    return passings_begin(&lines->ctl, &lines->place, lines->request, &wanted, &handler, lines,
                          err);
}

int lines_answer(struct api_request *request, const char *const *words, const char *argument,
                 struct error *err)
{
    struct lines *lines = calloc(1, sizeof *lines);

    if (!lines)
        return error_sys(err, ENOMEM, "running l4d2ctl");
    lines->request = request;
    if (begin(lines, words, argument, err) < 0) {
        free(lines);
        return -1;
    }
    request->work = lines;
    request->forget = forget;
    return 0;
}
