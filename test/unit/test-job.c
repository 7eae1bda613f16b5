// SPDX-License-Identifier: MIT
#include "store/grant.h"
#include "store/job.h"
#include "store-things.h"

#define NOW_US INT64_C(1000000000)
#define NOW_S  1000
#define WORKER "worker 1"

static const struct job_choice any = { "[]", "[]", "[]" };

static int64_t add_by(struct database *db, int64_t user, const char *kind, int64_t server,
                      int64_t overlay)
{
    struct job   job = { .server = server,
                         .overlay = overlay,
                         .created_us = NOW_US,
                         .parameters = "{}",
                         .asked_by_name = "bill",
                         .asked_by = user };
    bool         is_new = false;
    int64_t      id = 0;
    struct error err = { 0 };

    snprintf(job.kind, sizeof job.kind, "%s", kind);
    if (STORED(db, job_add(&id, &is_new, db, &job, &err)) < 0)
        fail_msg("%s", err.message);
    return is_new ? id : -id;
}

static int64_t add(struct database *db, const char *kind, int64_t server, int64_t overlay)
{
    return add_by(db, 1, kind, server, overlay);
}

static int64_t take_of(struct database *db, const struct job_choice *choice)
{
    struct job   job = { 0 };
    struct error err = { 0 };
    int          r = -1;

    (void)STORED(db,
                 (r = job_take(&job, db, WORKER, choice, NOW_US, NOW_S + 60, &err)) < 0 ? -1 : 0);
    if (r < 0)
        fail_msg("%s", err.message);
    return r ? job.id : 0;
}

static int64_t take(struct database *db)
{
    return take_of(db, &any);
}

static void end(struct database *db, int64_t id, enum job_state state)
{
    struct error err = { 0 }, why = { 0 };

    (void)error_set(&why, ERROR_TIMEOUT, "it took too long");
    if (STORED(db, job_end(db, id, WORKER, state, state == JOB_FAILED ? &why : NULL, "{}", NOW_US,
                           &err)) < 0)
        fail_msg("%s", err.message);
}

static enum job_state state_of(struct database *db, int64_t id)
{
    struct job   job;
    struct error err = { 0 };

    if (job_find(&job, db, id, VIEWER_ALL, &err) < 0)
        fail_msg("%s", err.message);
    return job.state;
}

static void test_a_job(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct job       job;
    bool             is_cancelled = true;
    struct error     err = { 0 };
    int64_t          id = add(db, "server.start", 3, 0);

    assert_int_equal(job_find(&job, db, id, VIEWER_ALL, &err), 0);
    assert_string_equal(job.kind, "server.start");
    assert_int_equal(job.server, 3);
    assert_int_equal(job.overlay, 0);
    assert_string_equal(job.asked_by_name, "bill");
    assert_int_equal(job.progress, -1);
    assert_int_equal(job.state, JOB_QUEUED);
    assert_int_equal(take(db), id);
    assert_int_equal(take(db), 0);
    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, id, WORKER, NOW_S + 90, 40, &err)), 0);
    assert_false(is_cancelled);
    assert_int_equal(job_find(&job, db, id, VIEWER_ALL, &err), 0);
    assert_true(job.state == JOB_RUNNING && job.progress == 40 && job.attempt == 1);
    end(db, id, JOB_FAILED);
    assert_int_equal(job_find(&job, db, id, VIEWER_ALL, &err), 0);
    assert_int_equal(job.error_kind, ERROR_TIMEOUT);
    assert_string_equal(job.error_message, "it took too long");
    assert_true(job.ended_us == NOW_US && job.state == JOB_FAILED);
    // It is nobody's any more.
    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, id, WORKER, NOW_S, -1, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(STORED(db, job_end(db, id, WORKER, JOB_DONE, NULL, "{}", NOW_US, &err)), -1);
    assert_int_equal(job_find(&job, db, 77, VIEWER_ALL, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_who_runs_beside_whom(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          build = add(db, "overlay.build", 0, 7);
    int64_t          start = add(db, "server.start", 3, 0);
    int64_t          rebuild = add(db, "overlay.wipe", 0, 7);
    int64_t          stop = add(db, "server.stop", 3, 0);
    int64_t          other = add(db, "server.start", 4, 0);
    int64_t          update = add(db, "steam.profiles", 0, 0);

    assert_int_equal(take(db), build);
    assert_int_equal(take(db), start);
    assert_int_equal(take(db), other);
    assert_int_equal(take(db), update);
    assert_int_equal(take(db), 0);
    end(db, start, JOB_FAILED); // the next one does not depend on it
    assert_int_equal(take(db), stop);
    assert_int_equal(take(db), 0);
    end(db, build, JOB_DONE);
    assert_int_equal(take(db), rebuild);
    assert_int_equal(take(db), 0);
}

static void test_the_same_again(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          id = add(db, "overlay.build", 0, 7);

    assert_int_equal(add(db, "overlay.build", 0, 7), -id);
    assert_true(add(db, "overlay.wipe", 0, 7) > id);
    assert_true(add(db, "overlay.build", 0, 8) > id);
    assert_true(add(db, "overlay.build", 7, 0) > id);
    assert_int_equal(take(db), id);
    assert_true(add(db, "overlay.build", 0, 7) > id); // what runs may have begun too early
}

// Whoever says stop, start, stop wants it to be stopped.
static void test_the_same_after_another(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          stop = add(db, "server.stop", 3, 0), start = add(db, "server.start", 3, 0);
    int64_t          last = add(db, "server.stop", 3, 0);

    assert_true(last > start && start > stop);
    assert_int_equal(add(db, "server.stop", 3, 0), -last);
    assert_true(add(db, "server.start", 4, 0) > last); // another server
    assert_int_equal(add(db, "server.stop", 3, 0), -last);
}

// Each has his own: it ends with his right to it, and what makes something makes it for him.
static void test_the_same_of_others(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          id = add(db, "overlay.create", 0, 0), other;

    assert_int_equal(add(db, "overlay.create", 0, 0), -id);
    other = add_by(db, 2, "overlay.create", 0, 0);
    assert_true(other > id);
    assert_int_equal(add_by(db, 2, "overlay.create", 0, 0), -other);
    assert_true(add_by(db, 0, "overlay.create", 0, 0) > other);
    id = add(db, "overlay.build", 0, 7);
    other = add_by(db, 2, "overlay.build", 0, 7);
    assert_true(other > id);
    assert_int_equal(add_by(db, 2, "overlay.build", 0, 7), -other);
    // What nobody has asked for nobody can lose.
    id = add_by(db, 0, "overlay.build", 0, 8);
    assert_int_equal(add_by(db, 2, "overlay.build", 0, 8), -id);
}

static void test_waiting(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          build = add(db, "overlay.build", 0, 7), start = add(db, "server.start", 3, 0);
    int64_t          second = add(db, "overlay.build", 0, 8), last = add(db, "server.start", 4, 0);
    int64_t          after_all = add(db, "steam.profiles", 0, 0);
    struct job       job;
    struct error     err = { 0 };

    assert_int_equal(STORED(db, job_wait_for(db, start, build, &err)), 0);
    assert_int_equal(STORED(db, job_wait_for(db, start, build, &err)), 0);
    assert_int_equal(STORED(db, job_wait_for(db, last, second, &err)), 0);
    assert_int_equal(STORED(db, job_wait_for(db, after_all, last, &err)), 0);
    assert_int_equal(take(db), build);
    assert_int_equal(take(db), second);
    assert_int_equal(take(db), 0);
    end(db, build, JOB_DONE);
    assert_int_equal(take(db), start);
    end(db, second, JOB_FAILED);
    assert_int_equal(take(db), 0);
    assert_int_equal(state_of(db, last), JOB_FAILED);
    assert_int_equal(job_find(&job, db, after_all, VIEWER_ALL, &err), 0);
    assert_string_equal(job.error_message, "what it had to wait for did not succeed");
}

static void test_cancelling(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t      running = add(db, "overlay.build", 0, 7), queued = add(db, "overlay.wipe", 0, 7);
    bool         is_cancelled = false;
    struct error err = { 0 };

    assert_int_equal(take(db), running);
    assert_int_equal(STORED(db, job_cancel(db, queued, NOW_US, &err)), 0);
    assert_int_equal(state_of(db, queued), JOB_CANCELLED);
    assert_int_equal(STORED(db, job_cancel(db, running, NOW_US, &err)), 0);
    assert_int_equal(state_of(db, running), JOB_RUNNING);
    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, running, WORKER, NOW_S, -1, &err)), 0);
    assert_true(is_cancelled);
    end(db, running, JOB_CANCELLED);
    assert_int_equal(STORED(db, job_cancel(db, running, NOW_US, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "the job has ended already: it is cancelled");
    assert_int_equal(STORED(db, job_cancel(db, 77, NOW_US, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

// Its worker is killed, or asleep so long that it must not go on.
static void test_taking_over(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          id = add(db, "overlay.build", 0, 7);
    struct job       job;
    bool             is_cancelled;
    struct error     err = { 0 };
    int              r = -1;

    assert_int_equal(take(db), id);
    (void)STORED(db, (r = job_take_over(&job, db, "worker 2", NOW_S + 59, NOW_S + 99, &err)));
    assert_int_equal(r, 0);
    (void)STORED(db, (r = job_take_over(&job, db, "worker 2", NOW_S + 60, NOW_S + 99, &err)) - 1);
    assert_int_equal(r, 1);
    assert_true(job.id == id && job.attempt == 2 && job.state == JOB_RUNNING);
    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, id, WORKER, NOW_S + 99, -1, &err)),
                     -1);
    assert_int_equal(STORED(db, job_end(db, id, WORKER, JOB_DONE, NULL, "{}", NOW_US, &err)), -1);
    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, id, "worker 2", NOW_S + 99, -1, &err)),
                     0);
}

static void test_handing_over(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          id = add(db, "server.start", 3, 0);
    struct job       job = { 0 };
    struct error     err = { 0 };
    int              r = -1;

    assert_int_equal(take(db), id);
    assert_int_equal(STORED(db, job_release(db, id, "worker 2", &err)), -1);
    assert_int_equal(STORED(db, job_release(db, id, WORKER, &err)), 0);
    assert_int_equal(take(db), 0);
    (void)STORED(db, (r = job_take_over(&job, db, "worker 2", NOW_S, NOW_S + 99, &err)) - 1);
    assert_int_equal(r, 1);
    assert_true(job.id == id && job.attempt == 1);
}

static void test_kinds_that_are_left(void **state)
{
    const struct job_choice choice = { "[\"overlay.build\",\"overlay.wipe\"]", "[]", "[]" };
    struct database        *db = ((struct store_world *)*state)->db;
    int64_t build = add(db, "overlay.build", 0, 3), start = add(db, "server.start", 3, 0);

    assert_int_equal(take_of(db, &choice), start);
    assert_int_equal(take(db), build);
}

// Who comes later with one is not kept waiting by who came before him with many.
static void test_many_of_one(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          his[4], hers, timers;

    for (size_t i = 0; i < ELEMENTS(his); i++)
        his[i] = add_by(db, 1, "overlay.build", 0, 10 + (int64_t)i);
    hers = add_by(db, 2, "overlay.build", 0, 20);
    timers = add_by(db, 0, "overlay.refresh", 0, 0);
    assert_int_equal(take(db), his[0]);
    assert_int_equal(take(db), hers);
    assert_int_equal(take(db), timers);
    assert_int_equal(take(db), his[1]);
    end(db, his[0], JOB_DONE);
    end(db, his[1], JOB_DONE);
    assert_int_equal(take(db), his[2]);
    assert_int_equal(take(db), his[3]);
}

static void test_patient_ones(void **state)
{
    const struct job_choice   choice = { "[]", "[\"server.start\"]", "[\"game.install\"]" };
    struct database          *db = ((struct store_world *)*state)->db;
    int64_t                   bill = things_user(db, "bill", ROLE_USER);
    int64_t                   blueprint = things_blueprint(db, "plain", bill, false);
    int64_t                   server = things_server(db, "Friday", bill, blueprint);
    int64_t                   other = things_overlay(db, 8, "other", bill, false);
    struct error              err = { 0 };
    static const struct query list =
        QUERY("INSERT INTO blueprint_overlays (blueprint, position, overlay) VALUES (1, 0, :id)");

    (void)things_overlay(db, 7, "maps", bill, false);
    assert_int_equal(STORED(db, database_run(db, &list, ":id", 7, NULL, &err)), 0);
    int64_t update = add(db, "game.install", 0, 1), build = add(db, "overlay.build", 0, 7);
    int64_t of_another = add(db, "overlay.build", 0, other);
    int64_t start = add(db, "server.start", server, 0), stop = add(db, "server.stop", 99, 0);
    assert_int_equal(take_of(db, &choice), update);
    assert_int_equal(take_of(db, &choice), build);
    assert_int_equal(take_of(db, &choice), of_another);
    assert_int_equal(take_of(db, &choice), stop); // the start waits for the build
    assert_int_equal(take_of(db, &choice), 0);
    end(db, build, JOB_FAILED); // however it ends
    assert_int_equal(take_of(db, &choice), start);
}

// What he may with the job, by find() and by next().
static unsigned may(struct database *db, int64_t id, int64_t viewer)
{
    const struct job_filter filter = { .viewer = viewer };
    struct job              job = { 0 }, next = { 0 };
    struct error            err = { 0 };
    int                     r = job_find(&job, db, id, viewer, &err);

    assert_true(job_next(&next, db, id + 1, &filter, &err) >= 0);
    assert_int_equal(next.id == id, r == 0);
    if (r == 0)
        assert_int_equal(next.may, job.may);
    return r < 0 ? 0 : job.may;
}

static void test_who_sees_it(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t          louis = things_user(db, "louis", 0), ellis = things_user(db, "ellis", 0);
    int64_t          server = things_server(db, "s", zoey, things_blueprint(db, "b", zoey, false));
    struct grant     grant = { .user = louis, .may = GRANT_OPERATE };
    struct error     err = { 0 };

    assert_int_equal(bill, 1); // who asks for all of them
    things_overlay(db, 7, "hers", zoey, false);
    things_overlay(db, 8, "hers, shared", zoey, true);
    assert_int_equal(STORED(db, grant_replace(db, server, &grant, 1, &err)), 0);
    int64_t none = add(db, "overlay.refresh", 0, 0), start = add(db, "server.start", server, 0);
    int64_t build = add(db, "overlay.build", 0, 7), shared = add(db, "overlay.build", 0, 8);
    int64_t install = add(db, "game.install", 0, GAME_OVERLAY);
    const struct {
        int64_t  job, viewer;
        unsigned want;
    } cases[] = {
        { none, VIEWER_ALL, GRANT_ALL },
        { none, bill, GRANT_ALL },
        { none, zoey, 0 },
        { start, bill, GRANT_ALL },
        { start, zoey, GRANT_ALL },
        { start, louis, GRANT_VIEW | GRANT_OPERATE },
        { start, ellis, 0 },
        { build, zoey, GRANT_ALL },
        { build, louis, 0 },
        { shared, louis, GRANT_VIEW },
        { install, ellis, GRANT_VIEW },
        { install, VIEWER_ALL, GRANT_ALL },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (may(db, cases[i].job, cases[i].viewer) != cases[i].want)
            fail_msg("case %zu: %u", i, may(db, cases[i].job, cases[i].viewer));
    // Of a server that is gone, who has asked for it.
    assert_int_equal(STORED(db, server_remove(db, server, &err)), 0);
    assert_int_equal(may(db, start, bill), GRANT_ALL);
    assert_int_equal(may(db, start, zoey), 0);
}

static void test_its_result(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          id = add(db, "overlay.create", 0, 0);
    struct job       job;
    char             result[JOB_RESULT_MAX + 1];
    struct error     err = { 0 };

    assert_int_equal(job_find(&job, db, id, VIEWER_ALL, &err), 0);
    assert_string_equal(job.result, "{}");
    assert_int_equal(take(db), id);
    memset(result, ' ', JOB_RESULT_MAX);
    result[JOB_RESULT_MAX] = '\0';
    assert_int_equal(STORED(db, job_end(db, id, WORKER, JOB_DONE, NULL, result, 1, &err)), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    result[JOB_RESULT_MAX - 1] = '\0';
    assert_int_equal(STORED(db, job_end(db, id, WORKER, JOB_DONE, NULL, result, 1, &err)), 0);
    assert_int_equal(job_find(&job, db, id, VIEWER_ALL, &err), 0);
    assert_string_equal(job.result, result);
}

static void test_lists(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          first = add(db, "server.start", 3, 0), second = add(db, "overlay.build", 0, 3);
    const struct job_filter all = { 0 }, of_server = { .server = 3 }, of_overlay = { .overlay = 3 };
    const struct job_filter of_kind = { .kind = "server.start" };
    struct job              job;
    struct error            err = { 0 };

    assert_int_equal(job_next(&job, db, 0, &all, &err), 1);
    assert_int_equal(job.id, second);
    assert_int_equal(job_next(&job, db, second, &all, &err), 1);
    assert_int_equal(job.id, first);
    assert_int_equal(job_next(&job, db, first, &all, &err), 0);
    assert_int_equal(job_next(&job, db, 0, &of_server, &err), 1);
    assert_int_equal(job.id, first);
    assert_int_equal(job_next(&job, db, 0, &of_overlay, &err), 1);
    assert_int_equal(job.id, second);
    assert_int_equal(job_next(&job, db, 0, &of_kind, &err), 1);
    assert_int_equal(job.id, first);
}

// ---- its log ----------------------------------------------------------------------------------

static void test_its_log(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    static char      text[2 * JOB_LINE_MAX];
    int64_t          id = add(db, "overlay.build", 0, 7);
    struct statement lines = { 0 };
    struct job_line  line;
    struct error     err = { 0 };

    memset(text, 'x', sizeof text);
    assert_int_equal(STORED(db, job_line_add(db, id, JOB_OUTPUT, 1, "one\x1b[1m", 7, &err)), 0);
    assert_int_equal(STORED(db, job_line_add(db, id, JOB_ERROR, 2, text, sizeof text, &err)), 0);
    assert_int_equal(STORED(db, job_line_add(db, 77, JOB_ERROR, 2, "", 0, &err)), -1);
    assert_int_equal(job_lines_begin(&lines, db, id, 0, &err), 0);
    assert_int_equal(job_lines_next(&line, &lines, &err), 1);
    assert_true(line.number == 1 && line.time_us == 1 && line.stream == JOB_OUTPUT);
    assert_string_equal(line.text, "one?[1m");
    assert_int_equal(job_lines_next(&line, &lines, &err), 1);
    assert_true(line.number == 2 && line.stream == JOB_ERROR);
    assert_int_equal(strlen(line.text), JOB_LINE_MAX);
    assert_int_equal(job_lines_next(&line, &lines, &err), 0);
    statement_done(&lines);
    assert_int_equal(job_lines_begin(&lines, db, id, 1, &err), 0);
    assert_int_equal(job_lines_next(&line, &lines, &err), 1);
    assert_int_equal(line.number, 2);
    statement_done(&lines);
}

// As so many calls would, in a hundredth of the time.
static void add_many(struct database *db, int64_t id, int64_t n)
{
    static const struct query query = QUERY(
        "WITH RECURSIVE many (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM many WHERE n < :n) "
        "INSERT INTO job_lines (job, number, time_us, stream, text) "
        "SELECT :job, n, n, 'output', 'line' FROM many");
    AUTO(statement_done) struct statement row = { 0 };
    struct error                          err = { 0 };

    assert_int_equal(statement_begin(&row, db, &query, &err), 0);
    statement_bind_number(&row, ":n", n);
    statement_bind_number(&row, ":job", id);
    if (statement_run(&row, &err) < 0)
        fail_msg("%s", err.message);
}

static void test_its_end(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    int64_t            id = add(db, "overlay.build", 0, 7);
    struct transaction transaction = { 0 };
    struct statement   lines = { 0 };
    struct job_line    line;
    struct error       err = { 0 };

    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    add_many(db, id, JOB_LINES_MAX - 10);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(job_line_add(db, id, JOB_OUTPUT, i, "line", 4, &err), 0);
    assert_int_equal(transaction_commit(&transaction, &err), 0);
    assert_int_equal(job_lines_begin(&lines, db, id, JOB_LINES_MAX - 2, &err), 0);
    assert_int_equal(job_lines_next(&line, &lines, &err), 1);
    assert_string_equal(line.text, "line");
    assert_int_equal(job_lines_next(&line, &lines, &err), 1);
    assert_string_equal(line.text, "the log is too long: what follows is not kept");
    assert_int_equal(job_lines_next(&line, &lines, &err), 0);
    statement_done(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_job),
        IN_STORE(test_who_runs_beside_whom),
        IN_STORE(test_the_same_again),
        IN_STORE(test_the_same_after_another),
        IN_STORE(test_the_same_of_others),
        IN_STORE(test_waiting),
        IN_STORE(test_cancelling),
        IN_STORE(test_taking_over),
        IN_STORE(test_handing_over),
        IN_STORE(test_kinds_that_are_left),
        IN_STORE(test_many_of_one),
        IN_STORE(test_patient_ones),
        IN_STORE(test_lists),
        IN_STORE(test_who_sees_it),
        IN_STORE(test_its_result),
        IN_STORE(test_its_log),
        IN_STORE(test_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
