// SPDX-License-Identifier: MIT
#pragma once

// totp: the second factor of a user: its sealed secret, and codes for the day on which it is lost.
//
// What codes follow from a secret is for whoever checks them; here a step counts once. A secret
// that was begun counts when its first code was right. All that changes something is part of a
// transaction.

#include "store/secret.h"
#include "store/user.h"

#define USER_TOTP_MAX       64u // bytes of a secret
#define USER_RECOVERY_CODES 10u

struct user_totp {
    uint8_t bytes[USER_TOTP_MAX];
    size_t  n;
    int64_t last_step; // whose code was said last
};

// Takes bytes and n. Another one that was begun is forgotten.
int user_totp_begin(struct database *db, int64_t id, const struct secret_key *key,
                    const struct user_totp *totp, struct error *err) MUST_USE;
// ERROR_NOT_FOUND: none was begun.
int user_totp_begun(struct user_totp *ret, struct database *db, int64_t id,
                    const struct secret_key *key, struct error *err) MUST_USE;
// The one that was begun is his from now on; the code of `step` was right. His recovery codes are
// those with these hashes.
int user_totp_confirm(struct database *db, int64_t id, int64_t step,
                      const struct secret_hash codes[USER_RECOVERY_CODES], struct error *err)
    MUST_USE;

// ERROR_NOT_FOUND: he has none.
int user_totp_find(struct user_totp *ret, struct database *db, int64_t id,
                   const struct secret_key *key, struct error *err) MUST_USE;
// The code of `step` was said, and is right. ERROR_DENIED: that of this step or a later one was
// said before.
int user_totp_use(struct database *db, int64_t id, int64_t step, struct error *err) MUST_USE;
// With his recovery codes.
int user_totp_remove(struct database *db, int64_t id, struct error *err) MUST_USE;

// Each is good once. ERROR_DENIED: it is none of his, or no longer.
int user_recovery_use(struct database *db, int64_t id, const struct secret_hash *code,
                      struct error *err) MUST_USE;
// How many are left.
int user_recovery_count(unsigned *ret, struct database *db, int64_t id, struct error *err) MUST_USE;
