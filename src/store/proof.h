// SPDX-License-Identifier: MIT
#pragma once

// proof: finds who knows a word of secret.h. For src/store alone.

#include "store/secret.h"
#include "store/user.h"

// Begins a query with the values :hash and :now, and goes to its row. ERROR_DENIED, with the
// sentence `denied`: there is none, or no longer.
int proof_find(struct statement *ret, struct database *db, const struct query *query,
               const struct secret_hash *hash, int64_t now_unix_s, const char *denied,
               struct error *err) MUST_USE;
// Whose word it is. ERROR_DENIED: he is not active.
int proof_find_user(struct user *ret, struct database *db, int64_t id, struct error *err) MUST_USE;
