// SPDX-License-Identifier: MIT
#pragma once

// record: what jobs have said and come to, written into the database.

#include "work/run.h"

#define RECORD_LEASE_S 60 // a job that is not renewed for so long is free for others

// As far as one is written.
struct recorded {
    int64_t renewed_s; // when its lease was renewed
    int     progress;
    bool    is_cancelled, is_lost; // what the database says: it is to end; it is somebody else's
};

// The lines, the progress and the lease of one; as a part of a transaction.
int record_news(struct recorded *recorded, struct database *db, const char *worker,
                const struct run *run, int64_t now_s, struct error *err) MUST_USE;
// Its end, with all of its lines, as a transaction of its own. ERROR_NOT_FOUND: it is not the
// worker's any more. `*ret_is_refused`: not the end, but what it would make of the rows is refused.
int record_end(bool *ret_is_refused, struct database *db, const char *worker, const struct run *run,
               int64_t now_us, struct error *err) MUST_USE;
