// SPDX-License-Identifier: MIT
#pragma once

// token: what a program shows instead of a session.
//
// It is good for what its user may do, up to its scope, until it expires or is taken back. Words
// are in secret.h.

#include "store/name.h"
#include "store/secret.h"
#include "store/user.h"

#define TOKEN_NAME_MAX    NAME_MAX_BYTES
#define TOKEN_USER_MAX    32 // of one user
#define TOKEN_USED_STEP_S 60 // it is not written for each request

// Each has what those before it have.
enum token_scope { TOKEN_READ, TOKEN_OPERATE, TOKEN_MANAGE, TOKEN_ADMIN, TOKEN_SCOPES };

struct token {
    int64_t          id;
    int64_t          user;
    char             name[TOKEN_NAME_MAX];
    enum token_scope scope;
    int64_t          created_unix_s;
    int64_t          expires_unix_s; // 0: never
    int64_t          used_unix_s;    // 0: never
};

const char *token_scope_word(enum token_scope scope);
int         token_scope_parse(enum token_scope *ret, const char *word, struct error *err) MUST_USE;

// Takes user, name, scope, created_unix_s and expires_unix_s from `token`; `hash` is that of a new
// word. ERROR_EXISTS: he has one of that name. ERROR_BUSY: he has too many.
int token_add(int64_t *ret_id, struct database *db, const struct token *token,
              const struct secret_hash *hash, struct error *err) MUST_USE;

// ERROR_DENIED: there is none, no longer, or its user is not active. *ret_is_stale: time to say
// that it is used.
int token_find(struct token *ret, struct user *ret_user, bool *ret_is_stale, struct database *db,
               const struct secret_hash *hash, int64_t now_unix_s, struct error *err) MUST_USE;
int token_use(struct database *db, int64_t id, int64_t now_unix_s, struct error *err) MUST_USE;

// The next one of a user after `id`, those that have expired as well; 1: there is one, 0: no more.
int token_next(struct token *ret, struct database *db, int64_t user, int64_t id, struct error *err)
    MUST_USE;
// One of a user's own. ERROR_NOT_FOUND: it is none of his.
int token_remove(struct database *db, int64_t user, int64_t id, struct error *err) MUST_USE;
