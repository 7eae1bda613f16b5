// SPDX-License-Identifier: MIT
#include "work/record.h"

#include <stdlib.h>
#include <string.h>
#include "work/rows.h"

static int write_lines(struct database *db, const struct run *run, struct error *err)
{
    size_t                 n = 0;
    const struct run_line *lines = run_lines(run, &n);

    for (size_t i = 0; i < n; i++)
        if (job_line_add(db, run_job(run)->id, lines[i].stream, lines[i].time_us, lines[i].text,
                         lines[i].n, err) < 0)
            return -1;
    return 0;
}

// The lines of one that was dropped meanwhile have no place.
int record_news(struct recorded *recorded, struct database *db, const char *worker,
                const struct run *run, int64_t now_s, struct error *err)
{
    int64_t id = run_job(run)->id;
    bool    is_cancelled = false;

    if (job_renew(&is_cancelled, db, id, worker, now_s + RECORD_LEASE_S, run_progress(run), err) <
        0) {
        recorded->is_lost = err->kind == ERROR_NOT_FOUND;
        return recorded->is_lost ? 0 : -1;
    }
    if (write_lines(db, run, err) < 0)
        return -1;
    recorded->renewed_s = now_s;
    recorded->progress = run_progress(run);
    recorded->is_cancelled = is_cancelled;
    return 0;
}

// Of one that failed there is what its script ended with.
static char *result_of(const struct run *run, enum job_state state)
{
    const json_t *all = run_result(run);
    const json_t *code = json_object_get(json_object_get(all, "error"), "exit_code");
    json_t       *failed = json_is_integer(code)
                               ? json_pack("{s:I}", "exit_code", json_integer_value(code))
                               : json_object();
    char *text = json_dumps(state == JOB_DONE && json_is_object(all) ? all : failed, JSON_COMPACT);

    json_decref(failed);
    if (text && strlen(text) < JOB_RESULT_MAX)
        return text;
    free(text);
    return strdup("{}"); // too long to be kept
}

int record_end(bool *ret_is_refused, struct database *db, const char *worker, const struct run *run,
               int64_t now_us, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    enum job_state                            state = JOB_FAILED;
    struct error                              why;

    *ret_is_refused = false;
    if (!run_has_ended(run, &state, &why))
        return error_set(err, ERROR_SYSTEM, "a job has not ended");
    AUTO(freep) char *result = result_of(run, state);
    if (!result)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (transaction_begin(&transaction, db, err) < 0 || write_lines(db, run, err) < 0 ||
        job_end(db, run_job(run)->id, worker, state, state == JOB_FAILED ? &why : NULL, result,
                now_us, err) < 0)
        return -1;
    if (state == JOB_DONE &&
        rows_after(db, run_job(run), run_result(run), now_us / 1000000, err) < 0) {
        *ret_is_refused = true;
        return -1;
    }
    return transaction_commit(&transaction, err);
}
