// SPDX-License-Identifier: MIT
#pragma once

// grant: what somebody may do with a thing, as bits.
//
// The owner and an admin may do all of it. Of a server others may do what its owner grants them;
// a blueprint or an overlay that is shared can be viewed by all.

#include "store/user.h"

#define GRANT_VIEW    1u
#define GRANT_OPERATE 2u // start, stop, restart, reset; build
#define GRANT_CONSOLE 4u
#define GRANT_FILES   8u
#define GRANT_MANAGE  16u // settings, secrets, grants, deleting
#define GRANT_ALL     31u

#define GRANT_WORDS     5u
#define GRANT_USERS_MAX 256u // of one server

struct grant {
    int64_t  user;
    char     user_name[USER_NAME_MAX]; // of one that is read
    unsigned may;
};

// The word of bit number `i`: "view" is 0.
const char *grant_word(unsigned i);
int         grant_parse(unsigned *ret_bit, const char *word, struct error *err) MUST_USE;

// Those of a server, by user: the next one after `user`; 1: there is one, 0: no more.
int grant_next(struct grant *ret, struct database *db, int64_t server, int64_t user,
               struct error *err) MUST_USE;
// All of them, as a part of a transaction. Whoever may do something may view it as well.
// ERROR_INVALID: one is of nobody, of the owner or of somebody twice.
int grant_replace(struct database *db, int64_t server, const struct grant *grants, size_t n,
                  struct error *err) MUST_USE;
