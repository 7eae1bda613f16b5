// SPDX-License-Identifier: MIT
#include "work/said.h"

#include <stdlib.h>
#include <string.h>

static void take_text(struct said_line *ret, enum job_stream stream, const char *text, size_t n)
{
    ret->kind = SAID_TEXT;
    ret->stream = stream;
    ret->text = text;
    ret->n_text = n;
}

// One that another one follows is shown: of many things done one after the other each has its own.
static void take_document(struct said_line *ret, struct said *said, json_t *document)
{
    const json_t *error = json_object_get(said->last, "error");
    const char   *message = json_string_value(json_object_get(error, "message"));

    ret->owner = said->last;
    said->last = document;
    ret->dump = ret->owner && !message ? json_dumps(ret->owner, JSON_COMPACT) : NULL;
    if (message)
        take_text(ret, JOB_ERROR, message, strlen(message));
    else if (ret->dump)
        take_text(ret, JOB_NOTE, ret->dump, strlen(ret->dump));
}

static void take_json(struct said_line *ret, struct said *said, json_t *json)
{
    const json_t *text = json_object_get(json, "text");
    const json_t *progress = json_object_get(json, "progress");
    const char   *stream = json_string_value(json_object_get(json, "stream"));

    if (json_is_integer(progress)) {
        ret->kind = SAID_PROGRESS;
        ret->percent = (int)MAX(MIN(json_integer_value(progress), 100), 0);
        json_decref(json);
    } else if (json_is_string(text) && stream) {
        ret->owner = json;
        take_text(ret, strcmp(stream, "stderr") == 0 ? JOB_ERROR : JOB_OUTPUT,
                  json_string_value(text), json_string_length(text));
    } else {
        take_document(ret, said, json);
    }
}

// A document on several lines begins with a brace alone, and ends with one: the lines between are
// indented.
static void take_part(struct said_line *ret, struct said *said, const char *line, size_t n)
{
    bool is_end = n == 1 && *line == '}';

    if (said->lines.n + n > SAID_DOCUMENT_MAX || gather_keep(&said->lines, line, n) < 0 ||
        gather_keep(&said->lines, "\n", 1) < 0) {
        gather_done(&said->lines);
        return;
    }
    if (!is_end)
        return;
    json_t *json = json_loadb(said->lines.bytes, said->lines.n, 0, NULL);
    gather_done(&said->lines);
    if (json)
        take_json(ret, said, json);
}

void said_take(struct said_line *ret, struct said *said, const char *line, size_t n)
{
    json_t *json = NULL;

    *ret = (struct said_line){ 0 };
    if (said->lines.n > 0 || (n == 1 && *line == '{')) {
        take_part(ret, said, line, n);
        return;
    }
    if (n > 0 && *line == '{')
        json = json_loadb(line, n, 0, NULL);
    if (json)
        take_json(ret, said, json);
    else
        take_text(ret, JOB_OUTPUT, line, n);
}

void said_line_done(struct said_line *line)
{
    json_decref(line->owner);
    free(line->dump);
    *line = (struct said_line){ 0 };
}

void said_done(struct said *said)
{
    gather_done(&said->lines);
    json_decref(said->last);
    said->last = NULL;
}
