// SPDX-License-Identifier: MIT
#pragma once

// idempotency: requests to make something, by a key that whoever sends them has made up.
//
// One that comes again with its key, because its answer was lost on the way, is answered as before
// and does nothing. A key is good for a day; of a user who sends very many the newest are, so that
// what is kept for him has an end.

#include "store/database.h"

#define IDEMPOTENCY_KEY_MAX    65u        // bytes, the NUL included
#define IDEMPOTENCY_ANSWER_MAX (1u << 20) // likewise
#define IDEMPOTENCY_KEYS_MAX   1000u      // of a user,
#define IDEMPOTENCY_BYTES_MAX  (8u << 20) // of his answers
#define IDEMPOTENCY_HASH_BYTES 32u
#define IDEMPOTENCY_LIFE_S     INT64_C(86400)

struct idempotency_request {
    int64_t     user;
    const char *key;
    uint8_t     hash[IDEMPOTENCY_HASH_BYTES]; // of all that makes it another one
};

// ERROR_INVALID: a key has 1 to 64 characters of ASCII that are seen. It is borrowed.
int idempotency_begin(struct idempotency_request *ret, int64_t user, const char *key,
                      const char *method, const char *path, const void *body, size_t n,
                      struct error *err) MUST_USE;
// 1: it came before; *ret_answer, which is owned, was the answer. ERROR_EXISTS: another one came
// with this key.
int idempotency_find(int *ret_status, char **ret_answer, struct database *db,
                     const struct idempotency_request *request, int64_t now_unix_s,
                     struct error *err) MUST_USE;
// As a part of the transaction that makes what was asked for.
int idempotency_keep(struct database *db, const struct idempotency_request *request, int status,
                     const char *answer, int64_t now_unix_s, struct error *err) MUST_USE;
