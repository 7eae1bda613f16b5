// SPDX-License-Identifier: MIT
#pragma once

// token: what a program shows instead of a session.
//
// It is good for what its user may do, up to its scope, until it expires or is taken back. Words
// are in secret.h.

#include "store/secret.h"
#include "store/user.h"

#define TOKEN_NAME_MAX 65u // bytes, the NUL included

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
