// SPDX-License-Identifier: MIT
#pragma once

// moved: a database that has come to another machine, from a backup.

#include "store/database.h"

// As a part of a transaction: what was under way is not, nobody is logged in, and nothing is known
// of what servers do. Which of them are wanted to run stays for the caller to say.
int moved_settle(struct database *db, int64_t now_us, struct error *err) MUST_USE;
