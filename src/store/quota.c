// SPDX-License-Identifier: MIT
#include "store/quota.h"

#include <assert.h>
#include <inttypes.h>
#include "store/setting.h"

#define MAKES_OVERLAY "state IN ('queued', 'running') AND kind = 'overlay.create'"

#define JOBS_MAX 64u

static const struct {
    enum setting setting; // SETTING_COUNT: JOBS_MAX
    const char  *what;
    struct query query;
} quotas[] = {
    [QUOTA_SERVERS] = { SETTING_USER_SERVERS, "servers",
                        QUERY("SELECT count(*) FROM servers WHERE owner = :user") },
    [QUOTA_BLUEPRINTS] = { SETTING_USER_BLUEPRINTS, "blueprints",
                           QUERY("SELECT count(*) FROM blueprints WHERE owner = :user") },
    [QUOTA_OVERLAYS] = { SETTING_USER_OVERLAYS, "overlays",
                         QUERY("SELECT (SELECT count(*) FROM overlays WHERE owner = :user) + "
                               "(SELECT count(*) FROM jobs WHERE " MAKES_OVERLAY
                               " AND asked_by = :user)") },
    [QUOTA_JOBS] = { SETTING_COUNT, "jobs that have not ended",
                     QUERY("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running') AND "
                           "asked_by = :user") },
};
_Static_assert(ELEMENTS(quotas) == QUOTA_COUNT, "every quota has a row");

static int find_max(int64_t *ret, struct database *db, enum quota quota, struct error *err)
{
    *ret = JOBS_MAX;
    return quotas[quota].setting == SETTING_COUNT
               ? 0
               : setting_number(ret, db, quotas[quota].setting, err);
}

int quota_check(struct database *db, enum quota quota, const struct user *user, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    int64_t                               max = 0;

    assert(database_is_writing(db));
    if (user->role == ROLE_ADMIN)
        return 0;
    if (find_max(&max, db, quota, err) < 0 ||
        statement_begin(&row, db, &quotas[quota].query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user->id);
    if (statement_next(&row, err) < 0)
        return -1;
    return statement_number(&row, 0) <= max
               ? 0
               : error_set(err, ERROR_BUSY,
                           "one user has up to %" PRIi64 " %s: an admin may have more", max,
                           quotas[quota].what);
}
