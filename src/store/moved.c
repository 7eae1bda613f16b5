// SPDX-License-Identifier: MIT
#include "store/moved.h"

#include <assert.h>

int moved_settle(struct database *db, int64_t now_us, struct error *err)
{
    static const struct query jobs =
        QUERY("UPDATE jobs SET state = 'cancelled', lease_by = NULL, lease_until_s = NULL, "
              "ended_us = :now WHERE state IN ('queued', 'running')");
    static const struct query players =
        QUERY("UPDATE player_sessions SET left_unix_s = :now / 1000000 WHERE left_unix_s IS NULL");
    static const struct query sessions = QUERY("DELETE FROM sessions WHERE :now IS NOT NULL");
    static const struct query states = QUERY("DELETE FROM live_states WHERE :now IS NOT NULL");
    static const struct query playing = QUERY("DELETE FROM live_players WHERE :now IS NOT NULL");
    static const struct query *const all[] = { &jobs, &players, &sessions, &states, &playing };

    assert(database_is_writing(db));
    for (size_t i = 0; i < ELEMENTS(all); i++)
        if (database_run(db, all[i], ":now", now_us, NULL, err) < 0)
            return -1;
    return 0;
}
