// SPDX-License-Identifier: MIT
#include "work/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "base/log.h"
#include "store/retention.h"

#define FIRST_S     60u // when all else has begun
#define AGAIN_S     3600u
#define STEP_MS     200u
#define ACCURACY_US 100000u

struct sweep {
    sd_event_source *timer;
    struct database *db;
};

static int step(struct database *db, bool *ret_is_more, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };

    return transaction_begin(&transaction, db, err) < 0 ||
                   retention_step(ret_is_more, db, (int64_t)time(NULL), err) < 0
               ? -1
               : transaction_commit(&transaction, err);
}

// What cannot be done now is done in an hour.
static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct sweep *sweep = context;
    struct error  err;
    bool          is_more = false;

    (void)usec;
    if (step(sweep->db, &is_more, &err) < 0) {
        log_line(LEVEL_WARNING, "what is old stays in the database for now: %s", err.message);
        is_more = false;
    }
    uint64_t after_us = is_more ? STEP_MS * UINT64_C(1000) : AGAIN_S * UINT64_C(1000000);
    (void)sd_event_source_set_time_relative(source, after_us);   // no way to fail
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT); // likewise
    return 0;
}

int sweep_open(struct sweep **ret, sd_event *event, struct database *db, struct error *err)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    int           r = -ENOMEM;

    if (sweep)
        r = sd_event_add_time_relative(event, &sweep->timer, CLOCK_MONOTONIC,
                                       FIRST_S * UINT64_C(1000000), ACCURACY_US, on_time, sweep);
    if (r < 0) {
        free(sweep);
        return error_sys(err, -r, "preparing to drop what is old");
    }
    sweep->db = db;
    *ret = sweep;
    return 0;
}

struct sweep *sweep_close(struct sweep *sweep)
{
    if (sweep)
        sd_event_source_disable_unref(sweep->timer);
    free(sweep);
    return NULL;
}
