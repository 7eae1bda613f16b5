// SPDX-License-Identifier: MIT
#pragma once

// quota: how much one user may have, so that nobody takes from the others what is there for all:
// ports, numbers of overlays, the time of the worker, the disk of the database. Admins decide how
// much that is, and may have as much as there is.

#include "store/user.h"

enum quota {
    QUOTA_SERVERS,
    QUOTA_BLUEPRINTS,
    QUOTA_OVERLAYS, // those that are asked for included
    QUOTA_JOBS,     // that have not ended
    QUOTA_COUNT,
};

// That he has not more of it than he may, what the transaction adds included. ERROR_BUSY: he has.
int quota_check(struct database *db, enum quota quota, const struct user *user, struct error *err)
    MUST_USE;
