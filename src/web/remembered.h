// SPDX-License-Identifier: MIT
#pragma once

// remembered: answers to what is asked again and again, as long as nothing has changed.
//
// An answer is kept with who asked, what he asked, and the number of the newest change there was
// (store/change.h): whatever is shown changes with a change that has a number. So the list of all
// servers costs one look at the newest number, and not a read of all of them.

#include "web/api.h"

#define REMEMBERED_MAX       32u
#define REMEMBERED_BYTES_MAX (1u << 20) // of one answer
#define REMEMBERED_QUERY_MAX 128u       // bytes of a query that is kept

struct remembered; // of a process; web->remembered

int remembered_open(struct remembered **ret, struct error *err) MUST_USE;
// Before the server. Takes NULL, returns NULL.
struct remembered *remembered_close(struct remembered *remembered);

// 1: it was known and is answered; 0: make the answer, and hand it to remembered_keep().
int remembered_answer(struct api_request *request, struct error *err) MUST_USE;
// Takes `json`, answers with it, and keeps it if nothing has changed since remembered_answer().
int remembered_keep(struct api_request *request, json_t *json, struct error *err) MUST_USE;
