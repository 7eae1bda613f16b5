// SPDX-License-Identifier: MIT
#pragma once

// waiting: those who have asked for a job and wait for its end.

#include "web/api.h"

#define WAITING_MAX 256u // of all; beyond that one is told at once how far it is

struct waiting_room;

int waiting_open(struct waiting_room **ret, struct web *web, struct error *err) MUST_USE;
struct waiting_room *waiting_close(struct waiting_room *room); // takes NULL, returns NULL

// How long who asks wants to wait for the end of a job; 0: not at all.
int waiting_read(int64_t *ret_s, struct api_request *request, struct error *err) MUST_USE;
// Answers with a job, as api_answer_job() says. ERROR_NOT_FOUND: it is gone.
int waiting_answer(struct api_request *request, int64_t job_id, int64_t wait_s, struct error *err)
    MUST_USE;
// Something has changed: jobs may have ended.
void waiting_look(struct waiting_room *room);
// All who wait are told how far it is. Nobody waits any more from now on.
void waiting_end(struct waiting_room *room);
