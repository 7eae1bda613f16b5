// SPDX-License-Identifier: MIT
#pragma once

// right: what whoever asks for a job must be allowed to, by its kind, and what it makes of the wish
// whether a server is to run.
//
// It is asked twice: when the job is queued, and again when it is begun, since somebody may have
// lost meanwhile what he was allowed to. What nobody of the page has asked for, as timers, repair
// and the command line, may be done.

#include "store/job.h"

enum right_wish { RIGHT_WISH_NONE, RIGHT_WISH_RUNNING, RIGHT_WISH_STOPPED };

// ERROR_DENIED: who has asked for it is not there, is not active, or may not do it (any more) with
// what it is about, in a sentence that says so. ERROR_INVALID: there is no such kind.
int right_check(struct database *db, const struct job *job, struct error *err) MUST_USE;

// What a job of the kind wants of its server from now on.
enum right_wish right_wish(const char *kind);
// A job that was refused wants nothing: of its server is wanted what was before, by the newest of
// the other jobs that wanted something, or else what it does. As a part of the transaction.
int right_forget_wish(struct database *db, const struct job *job, struct error *err) MUST_USE;
