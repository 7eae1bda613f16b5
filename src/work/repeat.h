// SPDX-License-Identifier: MIT
#pragma once

// repeat: what the job of a build has to say that was begun again, by a worker after one that was
// killed. What the first attempt has published is nothing new to the second, but it is to whoever
// has asked for the job: whether it changed something is seen from what was there before it.

#include <jansson.h>
#include "store/job.h"

// Whether the result leaves that open.
bool repeat_is_open(const struct job *job, const json_t *result);
// Puts into `result` the generation that the job has published, if one of those in `shown`, what
// `overlay show --json` says of its overlay, is that.
int repeat_correct(json_t *result, struct database *db, const struct job *job, const json_t *shown,
                   struct error *err) MUST_USE;
