// SPDX-License-Identifier: MIT
#pragma once

// handle: what database.c and statement.c share, and nobody else sees.

#include <sqlite3.h>
#include "store/database.h"

struct prepared {
    const struct query  *query;
    struct sqlite3_stmt *statement;
};

struct database {
    sqlite3        *handle;
    struct prepared prepared[DATABASE_QUERIES_MAX]; // by the address of the query
    unsigned        n_prepared;
};

// Raises what SQLite has to say, `code` being the extended result of a call.
int handle_raise(const struct database *db, int code, struct error *err);
