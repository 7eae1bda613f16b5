// SPDX-License-Identifier: MIT
#include "store/audit.h"
#include "store/idempotency.h"
#include "store/job.h"
#include "store/retention.h"
#include "store/session.h"
#include "store/setting.h"
#include "store-things.h"

#define DAY       INT64_C(86400)
#define US        INT64_C(1000000)
#define NOW_LATER (NOW + 1000 * DAY)

static const struct job_choice any = { "[]", "[]", "[]" };

static const struct query count_lines = QUERY("SELECT count(*) FROM job_lines WHERE :n = 0");
static const struct query count_jobs = QUERY("SELECT count(*) FROM jobs WHERE :n = 0");
static const struct query count_changes =
    QUERY("SELECT count(*) FROM changes WHERE topic = 'job' AND :n = 0");
static const struct query count_players =
    QUERY("SELECT count(*) FROM player_sessions WHERE :n = 0");
static const struct query count_commands =
    QUERY("SELECT count(*) FROM command_history WHERE :n = 0");
static const struct query count_keys = QUERY("SELECT count(*) FROM idempotency_keys WHERE :n = 0");
static const struct query count_events = QUERY("SELECT count(*) FROM audit_events WHERE :n = 0");
static const struct query count_sessions = QUERY("SELECT count(*) FROM sessions WHERE :n = 0");

static int64_t count(struct database *db, const struct query *query)
{
    AUTO(statement_done) struct statement row = { 0 };
    struct error                          err = { 0 };

    assert_int_equal(statement_begin(&row, db, query, &err), 0);
    statement_bind_number(&row, ":n", 0);
    assert_int_equal(statement_next(&row, &err), 1);
    return statement_number(&row, 0);
}

// Until there is no more to drop; how many steps it took.
static unsigned drop(struct database *db)
{
    bool         is_more = true;
    unsigned     n = 0;
    struct error err = { 0 };

    for (; is_more; n++)
        if (STORED(db, retention_step(&is_more, db, NOW_LATER, &err)) < 0)
            fail_msg("%s", err.message);
    return n;
}

// A job with lines in its log that ended so many days ago; -1: it has not.
static void put_job(struct database *db, int64_t days, unsigned n_lines)
{
    struct transaction transaction = { 0 };
    struct job         job = { .kind = "overlay.build", .asked_by_name = "bill" };
    int64_t            id = 0, time_us = (NOW_LATER - days * DAY) * US - US;
    bool               is_new;
    struct error       err = { 0 };

    snprintf(job.parameters, sizeof job.parameters, "[%d,%u]", (int)days, n_lines);
    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    assert_int_equal(job_add(&id, &is_new, db, &job, &err), 0);
    for (unsigned i = 0; i < n_lines; i++)
        assert_int_equal(job_line_add(db, id, JOB_OUTPUT, time_us, "line", 4, &err), 0);
    if (days >= 0) {
        assert_int_equal(job_take(&job, db, "worker", &any, time_us, 1, &err), 1);
        assert_int_equal(job_end(db, id, "worker", JOB_DONE, NULL, "{}", time_us, &err), 0);
    }
    assert_int_equal(transaction_commit(&transaction, &err), 0);
}

static void test_jobs(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;

    put_job(db, 0, 3);
    put_job(db, 29, 4);
    put_job(db, 31, 5); // its log is too old
    put_job(db, 91, 6); // all of it is
    put_job(db, -1, 7); // it has not ended
    assert_int_equal(count(db, &count_jobs), 5);
    (void)drop(db);
    assert_int_equal(count(db, &count_lines), 3 + 4 + 7);
    assert_int_equal(count(db, &count_jobs), 4);
    assert_int_equal(count(db, &count_changes), 4);
}

static void test_a_long_log(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;

    put_job(db, 100, 3 * RETENTION_ROWS_MAX + 1);
    assert_int_equal(drop(db), 4);
    assert_int_equal(count(db, &count_lines), 0);
    assert_int_equal(count(db, &count_jobs), 0);
}

static void set_days(struct database *db, enum setting setting, const char *days)
{
    struct error err = { 0 };

    if (STORED(db, setting_set(db, setting, days, NOW, &err)) < 0)
        fail_msg("%s", err.message);
}

// A job stays as long as its log.
static void test_the_settings_count(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;

    put_job(db, 5, 1);
    put_job(db, 40, 1);
    set_days(db, SETTING_LOG_DAYS, "60");
    set_days(db, SETTING_HISTORY_DAYS, "30");
    (void)drop(db);
    assert_int_equal(count(db, &count_jobs), 2);
    set_days(db, SETTING_LOG_DAYS, "35");
    (void)drop(db);
    assert_int_equal(count(db, &count_jobs), 1);
    set_days(db, SETTING_LOG_DAYS, "1");
    (void)drop(db);
    assert_int_equal(count(db, &count_jobs), 1);
    assert_int_equal(count(db, &count_lines), 0);
}

static void put_history(struct database *db, int64_t server, int64_t time_s)
{
    static const struct query player =
        QUERY("INSERT INTO player_sessions (server, player, name, joined_unix_s, left_unix_s) "
              "VALUES (:server, 7, 'Rochelle', 1, :time)");
    static const struct query command =
        QUERY("INSERT INTO command_history (server, user_name, command, time_unix_s) "
              "VALUES (:server, 'bill', 'status', :time)");
    const struct query *queries[] = { &player, &command };
    struct error        err = { 0 };

    for (size_t i = 0; i < ELEMENTS(queries); i++) {
        AUTO(statement_done) struct statement row = { 0 };
        assert_int_equal(statement_begin(&row, db, queries[i], &err), 0);
        statement_bind_number(&row, ":server", server);
        statement_bind_number(&row, ":time", time_s);
        assert_int_equal(statement_run(&row, &err), 0);
    }
}

static void test_what_players_did(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    int64_t          server = things_server(db, "coop", bill, things_blueprint(db, "b", bill, 0));

    put_history(db, server, NOW_LATER);
    put_history(db, server, NOW_LATER - 90 * DAY);
    put_history(db, server, NOW_LATER - 90 * DAY - 1);
    put_history(db, server, NOW);
    (void)drop(db);
    assert_int_equal(count(db, &count_players), 2);
    assert_int_equal(count(db, &count_commands), 2);
}

static void test_what_has_expired(void **state)
{
    struct database           *db = ((struct store_world *)*state)->db;
    int64_t                    bill = things_user(db, "bill", ROLE_USER), id = 0;
    struct idempotency_request request = { 0 };
    struct secret_hash         hash = { { 1 } };
    struct error               err = { 0 };

    assert_int_equal(idempotency_begin(&request, bill, "old", "POST", "/", "", 0, &err), 0);
    assert_int_equal(STORED(db, idempotency_keep(db, &request, 201, "{}", NOW, &err)), 0);
    request.key = "new";
    assert_int_equal(STORED(db, idempotency_keep(db, &request, 201, "{}", NOW_LATER, &err)), 0);
    assert_int_equal(STORED(db, session_add(&id, db, &hash, bill, "", "", NOW, &err)), 0);
    hash.bytes[0]++;
    assert_int_equal(STORED(db, session_add(&id, db, &hash, bill, "", "", NOW_LATER, &err)), 0);
    (void)drop(db);
    assert_int_equal(count(db, &count_keys), 1);
    assert_int_equal(count(db, &count_sessions), 1);
}

static void put_events(struct database *db, int64_t time_us, unsigned n)
{
    struct transaction transaction = { 0 };
    struct audit_event event = {
        .time_us = time_us, .user_name = "bill", .origin = "", .action = "a", .subject = "b"
    };
    struct error err = { 0 };

    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    for (unsigned i = 0; i < n; i++, event.time_us++)
        assert_int_equal(audit_add(db, &event, &err), 0);
    assert_int_equal(transaction_commit(&transaction, &err), 0);
}

static void test_the_audit_log(void **state)
{
    struct database  *db = ((struct store_world *)*state)->db;
    struct audit_hash newest;
    struct error      err = { 0 };

    put_events(db, NOW * US, 2 * RETENTION_ROWS_MAX + 10);
    put_events(db, (NOW_LATER - 364 * DAY) * US, RETENTION_ROWS_MAX + 20);
    assert_int_equal(drop(db), 3);
    assert_int_equal(count(db, &count_events), RETENTION_ROWS_MAX + 20);
    assert_int_equal(audit_check(&newest, db, &err), 0);
}

static void test_nothing_to_drop(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;

    assert_int_equal(drop(db), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_jobs),
        IN_STORE(test_a_long_log),
        IN_STORE(test_the_settings_count),
        IN_STORE(test_what_players_did),
        IN_STORE(test_what_has_expired),
        IN_STORE(test_the_audit_log),
        IN_STORE(test_nothing_to_drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
