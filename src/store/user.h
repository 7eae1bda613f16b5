// SPDX-License-Identifier: MIT
#pragma once

// user: the people of this machine, a row each.
//
// What a sane product does not allow is refused here, whoever asks: to take away the last admin who
// can log in, or to delete somebody who still has servers, blueprints or overlays. That nobody does
// it to himself is for whoever knows who asks. All that changes something is part of a transaction.

#include "store/database.h"

#define USER_NAME_MAX     65u  // bytes, the NUL included
#define USER_PASSWORD_MAX 129u // of a hash: what libsodium makes, and the NUL

#define VIEWER_ALL    INT64_C(0)  // whoever sees all that there is: an admin, or a program of ours
#define VIEWER_NOBODY INT64_C(-1) // whoever sees what all users see

enum role { ROLE_USER, ROLE_ADMIN, ROLE_COUNT };

struct user {
    int64_t   id;
    char      name[USER_NAME_MAX];
    enum role role;
    bool      is_active;
    bool      has_password;
    bool      has_totp;
    int64_t   created_unix_s;
    int64_t   login_unix_s; // 0: never
};

const char *role_word(enum role role);
int         role_parse(enum role *ret, const char *word, struct error *err) MUST_USE;

// As whom he looks at what people have: his id, or VIEWER_ALL.
int64_t user_viewer(const struct user *user);

// 1 to 64 characters: letters, digits and "._-" of ASCII, the first one a letter or a digit.
int user_name_check(const char *name, struct error *err) MUST_USE;

// ERROR_NOT_FOUND: there is none.
int user_find(struct user *ret, struct database *db, int64_t id, struct error *err) MUST_USE;
int user_find_name(struct user *ret, struct database *db, const char *name, struct error *err)
    MUST_USE;
// The next one after `id` by id; 1: there is one, 0: no more.
int user_next(struct user *ret, struct database *db, int64_t id, struct error *err) MUST_USE;
int user_count_admins(unsigned *ret, struct database *db, struct error *err) MUST_USE;
// Whether anybody can log in.
int user_has_any_password(bool *ret, struct database *db, struct error *err) MUST_USE;

int user_add(int64_t *ret_id, struct database *db, const char *name, enum role role,
             int64_t now_unix_s, struct error *err) MUST_USE;
// Another role, or none any more, ends his sessions and the invitations that he has made.
int user_set_role(struct database *db, int64_t id, enum role role, struct error *err) MUST_USE;
int user_set_active(struct database *db, int64_t id, bool is_active, struct error *err) MUST_USE;
int user_remove(struct database *db, int64_t id, struct error *err) MUST_USE;

// "" of who has none.
int user_password_hash(char ret[USER_PASSWORD_MAX], struct database *db, int64_t id,
                       struct error *err) MUST_USE;
// A link by which he could have set it is good no longer. Sessions are for whoever knows which one
// is to go on.
int user_set_password_hash(struct database *db, int64_t id, const char *hash, struct error *err)
    MUST_USE;
int user_set_login(struct database *db, int64_t id, int64_t now_unix_s, struct error *err) MUST_USE;
