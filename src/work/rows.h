// SPDX-License-Identifier: MIT
#pragma once

// rows: what a job finds in the database before it does something on the host, and what it makes of
// it there afterwards.

#include <jansson.h>
#include "store/job.h"
#include "store/server.h"

// Whether what the job is to delete has been deleted by another one before it, which is as good.
int rows_are_deleted(bool *ret, struct database *db, const struct job *job, struct error *err)
    MUST_USE;
// Whether the job may be done by what the page knows. *ret: the name of its server on the host, ""
// if it is about none.
int rows_before(char ret[SERVER_INSTANCE_MAX], struct database *db, const struct job *job,
                struct error *err) MUST_USE;
// Of one that has succeeded, as a part of the transaction of its end. `result` may be NULL.
int rows_after(struct database *db, const struct job *job, const json_t *result, int64_t now_unix_s,
               struct error *err) MUST_USE;
