// SPDX-License-Identifier: MIT
#pragma once

// invitation: a link that is good once, for a new user or for a new password.

#include "store/secret.h"
#include "store/user.h"

#define INVITATION_LIFE_S INT64_C(259200) // three days

struct invitation {
    int64_t   id;
    char      name[USER_NAME_MAX]; // "": who comes chooses it
    enum role role;                // of the new user
    int64_t   user;                // whose password it sets; 0: it makes a new one
    int64_t   made_by;             // 0: by a command
    int64_t   created_unix_s;
    int64_t   expires_unix_s;
};

// Takes name, role, user, made_by and created_unix_s from `invitation`. One for a user replaces the
// one he had.
int invitation_add(int64_t *ret_id, struct database *db, const struct invitation *invitation,
                   const struct secret_hash *hash, struct error *err) MUST_USE;
// ERROR_DENIED: there is none, or no longer.
int invitation_find(struct invitation *ret, struct database *db, const struct secret_hash *hash,
                    int64_t now_unix_s, struct error *err) MUST_USE;
// The next one after `id`; 1: there is one, 0: no more.
int invitation_next(struct invitation *ret, struct database *db, int64_t id, int64_t now_unix_s,
                    struct error *err) MUST_USE;

// What it was made for: makes the user, or takes the one it is for, gives him the password, and is
// gone. `name` is what who comes has chosen; it counts where the invitation has none. All sessions
// of the user end.
int invitation_accept(int64_t *ret_user, struct database *db, const struct invitation *invitation,
                      const char *name, const char *password_hash, int64_t now_unix_s,
                      struct error *err) MUST_USE;
int invitation_remove(struct database *db, int64_t id, struct error *err) MUST_USE;
int invitation_drop_expired(struct database *db, int64_t now_unix_s, struct error *err) MUST_USE;
