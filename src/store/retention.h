// SPDX-License-Identifier: MIT
#pragma once

// retention: what is dropped when it is old enough, by the settings.
//
// The log of a job goes first; the job, when it has none any more. Players, commands and the audit
// log have days of their own; keys, sessions and links go when they have expired.

#include "store/database.h"

#define RETENTION_ROWS_MAX 500 // of one kind, at a time: who writes waits for it

// A step of it, as a part of a transaction. *ret_is_more: there is more to drop.
int retention_step(bool *ret_is_more, struct database *db, int64_t now_unix_s, struct error *err)
    MUST_USE;
