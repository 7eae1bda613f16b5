// SPDX-License-Identifier: MIT
#pragma once

// count: how much there is, for those who watch the machine.

#include "store/job.h"
#include "store/live.h"

int count_jobs(uint64_t ret[JOB_STATES], struct database *db, struct error *err) MUST_USE;
// As they were last seen.
int count_servers(uint64_t ret[LIVE_STATES], struct database *db, struct error *err) MUST_USE;
// People who play, on all servers of which it is known.
int count_players(uint64_t *ret, struct database *db, struct error *err) MUST_USE;
// Of the file of the database, without what is written and not moved there yet.
int count_bytes(uint64_t *ret, struct database *db, struct error *err) MUST_USE;
