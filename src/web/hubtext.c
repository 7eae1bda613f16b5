// SPDX-License-Identifier: MIT
#include "web/hubparts.h"

#include <stdio.h>
#include <string.h>

// As text/event-stream has them. No part holds the end of a line: JSON writes it as two letters.

void text_begin(struct text *text)
{
    text->n = 0;
    text->is_short = false;
}

void text_done(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

static bool reserve(struct text *text, size_t n)
{
    if (text->size - text->n >= n)
        return true;
    size_t size = MAX(text->size * 2, text->n + n);
    char  *bytes = realloc(text->bytes, size);
    if (!bytes) {
        text->is_short = true;
        return false;
    }
    text->bytes = bytes;
    text->size = size;
    return true;
}

static void add(struct text *text, const char *bytes, size_t n)
{
    if (!reserve(text, n))
        return;
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
}

static void add_line(struct text *text, const char *name, const char *value, size_t n)
{
    add(text, name, strlen(name));
    add(text, ": ", 2);
    add(text, value, n);
    add(text, "\n", 1);
}

void text_event(struct text *text, const char *id, const char *event, const char *data, size_t n)
{
    if (*id)
        add_line(text, "id", id, strlen(id));
    add_line(text, "event", event, strlen(event));
    add_line(text, "data", data, n);
    add(text, "\n", 1);
}

void text_event_json(struct text *text, const char *id, const char *event, json_t *data)
{
    AUTO(freep) char *json = data ? json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(data);
    if (json)
        text_event(text, id, event, json, strlen(json));
    else
        text->is_short = true;
}

void text_comment(struct text *text)
{
    add(text, ":\n\n", 3);
}

void text_retry(struct text *text, unsigned ms)
{
    char number[16];

    int n = snprintf(number, sizeof number, "%u", ms);
    add_line(text, "retry", number, (size_t)n);
    add(text, "\n", 1);
}

struct http_bytes *text_bytes(const struct text *text, struct hub *hub)
{
    struct http_bytes *bytes = text->is_short ? NULL : http_bytes_new(hub->web->server, text->n);

    if (bytes && text->n > 0)
        memcpy(http_bytes_at(bytes), text->bytes, text->n);
    return bytes;
}

// ---- lines ------------------------------------------------------------------------------------

void text_job_line(struct text *text, const char *id, int64_t job, const struct job_line *line)
{
    text_event_json(text, id, "line",
                    json_pack("{s:I, s:I, s:I, s:s, s:s}", "job", (json_int_t)job, "number",
                              (json_int_t)line->number, "time_us", (json_int_t)line->time_us,
                              "stream", job_stream_word(line->stream), "text", line->text));
}

void text_tail_line(struct text *text, const char *id, const struct tail_line *line,
                    const struct topic *topic)
{
    if (line->is_gap)
        text_missed(text, id, topic, -1);
    else
        text_event(text, id, "log", line->json, line->n);
}

void text_missed(struct text *text, const char *id, const struct topic *topic, int64_t n)
{
    char                words[TOPICS_TEXT_MAX];
    const struct topics one = { .list = { *topic }, .n = 1 };

    topics_text(words, &one);
    text_event_json(
        text, id, "missed",
        json_pack("{s:s, s:o}", "topic", words, "n", n < 0 ? json_null() : json_integer(n)));
}
