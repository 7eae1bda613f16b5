// SPDX-License-Identifier: MIT
#pragma once

// account: our own users, by name.

#include <sys/types.h>
#include "base/error.h"

struct account {
    uid_t uid;
    gid_t gid;
};

// The account `user` and its primary group; neither may be root.
int account_find(struct account *ret, const char *user, struct error *err) MUST_USE;
