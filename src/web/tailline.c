// SPDX-License-Identifier: MIT
#include "web/tail.h"

#include <jansson.h>
#include <string.h>
#include "base/hash64.h"

static void set_mark(struct tail_line *line, struct tail_reading *reading, int64_t time_us)
{
    struct heard_mark *last = &reading->last;

    reading->has_moved = reading->has_moved || (last->is_known && last->at != time_us);
    last->nth = last->is_known && last->at == time_us ? last->nth + 1 : 1;
    last->at = time_us;
    last->is_known = true;
    line->mark = *last;
    line->is_sure = reading->has_moved;
    reading->n++;
}

static uint64_t run_of(const json_t *run)
{
    const char *word = json_string_value(run);

    return word ? hash64_of(word, strlen(word)) : 0;
}

int tail_parse(struct tail_line *ret, struct tail_reading *reading, const char *bytes, size_t n,
               struct error *err)
{
    struct tail_line line = { 0 };
    json_t          *said = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    json_t          *run = json_object_get(said, "run"), *text = json_object_get(said, "text");
    json_t          *time = json_object_get(said, "unix_us");
    json_t          *priority = json_object_get(said, "priority");

    if (json_is_string(text) && json_is_integer(time) && json_integer_value(time) >= 0 &&
        json_is_integer(priority) && run) {
        json_t *json = json_pack("{s:I, s:O, s:O, s:O, s:O}", "server", (json_int_t)reading->server,
                                 "time_us", time, "run", run, "priority", priority, "text", text);
        line.json = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
        json_decref(json);
    }
    if (line.json) {
        line.n = strlen(line.json);
        line.run = run_of(run);
        set_mark(&line, reading, json_integer_value(time));
    }
    json_decref(said);
    if (!line.json)
        return error_set(err, ERROR_INVALID, "l4d2ctl said what is no line of a log");
    *ret = line;
    return 0;
}
