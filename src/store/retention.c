// SPDX-License-Identifier: MIT
#include "store/retention.h"

#include <assert.h>
#include "store/audit.h"
#include "store/idempotency.h"
#include "store/invitation.h"
#include "store/session.h"
#include "store/setting.h"

#define DAY_S INT64_C(86400)
#define US    INT64_C(1000000)

// Each drops up to :max rows from before :before.
static const struct query job_lines =
    QUERY("DELETE FROM job_lines WHERE (job, number) IN (SELECT job, number FROM jobs "
          "JOIN job_lines ON job = jobs.id WHERE ended_us < :before LIMIT :max)");
static const struct query jobs =
    QUERY("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended_us < :before AND "
          "NOT EXISTS (SELECT 1 FROM job_lines WHERE job = jobs.id) ORDER BY ended_us LIMIT :max)");
static const struct query players =
    QUERY("DELETE FROM player_sessions WHERE id IN (SELECT id FROM player_sessions "
          "WHERE left_unix_s < :before ORDER BY left_unix_s LIMIT :max)");
static const struct query commands =
    QUERY("DELETE FROM command_history WHERE id IN (SELECT id FROM command_history "
          "WHERE time_unix_s < :before ORDER BY time_unix_s LIMIT :max)");
static const struct query keys = QUERY(
    "DELETE FROM idempotency_keys WHERE (user, key) IN (SELECT user, key FROM idempotency_keys "
    "WHERE created_unix_s < :before ORDER BY created_unix_s LIMIT :max)");

static const struct {
    const struct query *query;
    enum setting        days; // SETTING_COUNT: the life of a key
    int64_t             unit; // how many of its times a second has
} kinds[] = {
    { &job_lines, SETTING_LOG_DAYS, US },  { &jobs, SETTING_HISTORY_DAYS, US },
    { &players, SETTING_HISTORY_DAYS, 1 }, { &commands, SETTING_HISTORY_DAYS, 1 },
    { &keys, SETTING_COUNT, 1 },
};

static int find_life(int64_t *ret_s, struct database *db, enum setting setting, struct error *err)
{
    int64_t days = 0;

    if (setting == SETTING_COUNT) {
        *ret_s = IDEMPOTENCY_LIFE_S;
        return 0;
    }
    if (setting_number(&days, db, setting, err) < 0)
        return -1;
    *ret_s = days * DAY_S;
    return 0;
}

static int drop(unsigned *ret_n, struct database *db, const struct query *query, int64_t before,
                struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    statement_bind_number(&row, ":before", before);
    statement_bind_number(&row, ":max", RETENTION_ROWS_MAX);
    return statement_change(&row, ret_n, err);
}

// The time of the event behind those that one step may take; INT64_MAX: there are fewer.
static int find_audit_step(int64_t *ret_us, struct database *db, struct error *err)
{
    static const struct query query =
        QUERY("SELECT time_us FROM audit_events ORDER BY id LIMIT 1 OFFSET :max");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":max", RETENTION_ROWS_MAX);
    int r = statement_next(&row, err);
    *ret_us = r > 0 ? statement_number(&row, 0) : INT64_MAX;
    return MIN(r, 0);
}

static int drop_audit(bool *ret_is_more, struct database *db, int64_t now_unix_s, struct error *err)
{
    int64_t life_s = 0, step_us = 0;

    if (find_life(&life_s, db, SETTING_AUDIT_DAYS, err) < 0 ||
        find_audit_step(&step_us, db, err) < 0)
        return -1;
    int64_t before_us = (now_unix_s - life_s) * US;
    if (step_us < before_us)
        *ret_is_more = true;
    return audit_drop_before(db, MIN(before_us, step_us), err);
}

int retention_step(bool *ret_is_more, struct database *db, int64_t now_unix_s, struct error *err)
{
    bool is_more = false;

    assert(database_is_writing(db));
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        int64_t  life_s = 0;
        unsigned n = 0;
        if (find_life(&life_s, db, kinds[i].days, err) < 0 ||
            drop(&n, db, kinds[i].query, (now_unix_s - life_s) * kinds[i].unit, err) < 0)
            return -1;
        is_more = is_more || n == RETENTION_ROWS_MAX;
    }
    if (drop_audit(&is_more, db, now_unix_s, err) < 0 ||
        session_drop_expired(db, now_unix_s, err) < 0 ||
        invitation_drop_expired(db, now_unix_s, err) < 0)
        return -1;
    *ret_is_more = is_more;
    return 0;
}
