// SPDX-License-Identifier: MIT
#include "store/quota.h"

#include <assert.h>

#define MAKES_OVERLAY "state IN ('queued', 'running') AND kind = 'overlay.create'"

static const struct {
    unsigned     max;
    const char  *what;
    struct query query;
} quotas[] = {
    [QUOTA_SERVERS] = { 32, "servers", QUERY("SELECT count(*) FROM servers WHERE owner = :user") },
    [QUOTA_BLUEPRINTS] = { 256, "blueprints",
                           QUERY("SELECT count(*) FROM blueprints WHERE owner = :user") },
    [QUOTA_OVERLAYS] = { 128, "overlays",
                         QUERY("SELECT (SELECT count(*) FROM overlays WHERE owner = :user) + "
                               "(SELECT count(*) FROM jobs WHERE " MAKES_OVERLAY
                               " AND asked_by = :user)") },
    [QUOTA_JOBS] = { 64, "jobs that have not ended",
                     QUERY("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running') AND "
                           "asked_by = :user") },
};
_Static_assert(ELEMENTS(quotas) == QUOTA_COUNT, "every quota has a row");

unsigned quota_max(enum quota quota)
{
    return quotas[quota].max;
}

int quota_check(struct database *db, enum quota quota, const struct user *user, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (user->role == ROLE_ADMIN)
        return 0;
    if (statement_begin(&row, db, &quotas[quota].query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user->id);
    if (statement_next(&row, err) < 0)
        return -1;
    return statement_number(&row, 0) <= quotas[quota].max
               ? 0
               : error_set(err, ERROR_BUSY, "one user has up to %u %s: an admin may have more",
                           quotas[quota].max, quotas[quota].what);
}
