// SPDX-License-Identifier: MIT
#pragma once

// session: who is logged in, from where.
//
// A session ends when it is not used for a week, a month after the login at the latest, and at once
// when it is closed, by whom it belongs to or by a change of what he may do. Words are in secret.h;
// that somebody knows one is found by its hash alone.

#include "store/secret.h"
#include "store/user.h"

#define SESSION_IDLE_S      INT64_C(604800)  // seven days
#define SESSION_LIFE_S      INT64_C(2592000) // thirty
#define SESSION_SEEN_STEP_S 60               // it is not written for each request
#define SESSION_USER_MAX    32               // of one user; the oldest one ends
#define SESSION_ADDRESS_MAX 64u
#define SESSION_AGENT_MAX   129u

struct session {
    int64_t id;
    int64_t user;
    char    address[SESSION_ADDRESS_MAX]; // of the login
    char    agent[SESSION_AGENT_MAX];     // what the browser says it is
    int64_t created_unix_s;
    int64_t seen_unix_s;
    int64_t expires_unix_s;
};

// Begins one; `hash` is that of a new word. What is too long of the agent is cut off.
int session_add(int64_t *ret_id, struct database *db, const struct secret_hash *hash, int64_t user,
                const char *address, const char *agent, int64_t now_unix_s, struct error *err)
    MUST_USE;

// ERROR_DENIED: there is none, no longer, or its user is not active. *ret_is_stale: time to say
// that it was seen.
int session_find(struct session *ret, struct user *ret_user, bool *ret_is_stale,
                 struct database *db, const struct secret_hash *hash, int64_t now_unix_s,
                 struct error *err) MUST_USE;
int session_see(struct database *db, int64_t id, int64_t now_unix_s, struct error *err) MUST_USE;

// The next one of a user after `id`; 1: there is one, 0: no more.
int session_next(struct session *ret, struct database *db, int64_t user, int64_t id,
                 int64_t now_unix_s, struct error *err) MUST_USE;

// One of a user's own. ERROR_NOT_FOUND: it is none of his.
int session_end(struct database *db, int64_t user, int64_t id, struct error *err) MUST_USE;
// All of a user's but `but` (0: none).
int session_end_all(struct database *db, int64_t user, int64_t but, struct error *err) MUST_USE;
int session_drop_expired(struct database *db, int64_t now_unix_s, struct error *err) MUST_USE;
