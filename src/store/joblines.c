// SPDX-License-Identifier: MIT
#include "store/job.h"

#include <assert.h>
#include <string.h>
#include "base/text.h"

static int insert(struct database *db, int64_t id, int64_t number, enum job_stream stream,
                  int64_t time_us, const char *text, struct error *err)
{
    static const struct query query = QUERY(
        "INSERT INTO job_lines (job, number, time_us, stream, text) VALUES (:job, :number, :time, "
        ":stream, :text)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":job", id);
    statement_bind_number(&row, ":number", number);
    statement_bind_number(&row, ":time", time_us);
    statement_bind_text(&row, ":stream", job_stream_word(stream));
    statement_bind_text(&row, ":text", text);
    return statement_run(&row, err);
}

static int newest_number(int64_t *ret, struct database *db, int64_t id, struct error *err)
{
    static const struct query query = QUERY("SELECT max(number) FROM job_lines WHERE job = :job");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":job", id);
    if (statement_next(&row, err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}

int job_line_add(struct database *db, int64_t id, enum job_stream stream, int64_t time_us,
                 const char *text, size_t n, struct error *err)
{
    char    safe[JOB_LINE_MAX + 1];
    int64_t newest = 0;

    assert(database_is_writing(db));
    if (newest_number(&newest, db, id, err) < 0)
        return -1;
    if (newest >= JOB_LINES_MAX)
        return 0;
    if (newest == JOB_LINES_MAX - 1)
        return insert(db, id, JOB_LINES_MAX, JOB_NOTE, time_us,
                      "the log is too long: what follows is not kept", err);
    (void)text_sanitize(safe, sizeof safe, text, n);
    return insert(db, id, newest + 1, stream, time_us, safe, err);
}

int job_lines_begin(struct statement *ret, struct database *db, int64_t id, int64_t after,
                    struct error *err)
{
    static const struct query query = QUERY("SELECT number, time_us, stream, text FROM job_lines "
                                            "WHERE job = :job AND number > :after ORDER BY number");

    if (statement_begin(ret, db, &query, err) < 0)
        return -1;
    statement_bind_number(ret, ":job", id);
    statement_bind_number(ret, ":after", after);
    return 0;
}

int job_lines_next(struct job_line *ret, struct statement *lines, struct error *err)
{
    int r = statement_next(lines, err);

    if (r <= 0)
        return r;
    ret->number = statement_number(lines, 0);
    ret->time_us = statement_number(lines, 1);
    ret->text = statement_text(lines, 3);
    ret->stream = JOB_NOTE;
    for (int i = 0; i < JOB_STREAMS; i++)
        if (strcmp(job_stream_word((enum job_stream)i), statement_text(lines, 2)) == 0)
            ret->stream = (enum job_stream)i;
    return 1;
}

int job_lines_newest(int64_t *ret, struct database *db, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("SELECT coalesce(max(number), 0) FROM job_lines WHERE job = :job");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":job", id);
    int r = statement_next(&row, err);
    *ret = r > 0 ? statement_number(&row, 0) : 0;
    return MIN(r, 0);
}
