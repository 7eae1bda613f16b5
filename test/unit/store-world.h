// SPDX-License-Identifier: MIT
#pragma once

// store-world: a new database, for the tests of its tables.

#include "store/database.h"
#include "unit.h"

struct store_world {
    struct unit_dir *dir;
    struct database *db;
};

static inline int store_setup(void **state)
{
    struct store_world *world = calloc(1, sizeof *world);
    char                path[128];
    struct error        err = { 0 };

    if (unit_dir_setup((void **)&world->dir) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/db", world->dir->path);
    if (database_open(&world->db, path, &err) < 0)
        fail_msg("%s", err.message);
    *state = world;
    return 0;
}

static inline int store_teardown(void **state)
{
    struct store_world *world = *state;

    database_close(world->db);
    int r = unit_dir_teardown((void **)&world->dir);
    free(world);
    return r;
}

// Does `change`, an expression, as a transaction of its own: committed if it is 0. Its value.
#define STORED(db, change)                                                                         \
    __extension__({                                                                                \
        AUTO(transaction_done) struct transaction transaction_ = { 0 };                            \
        struct error                              ignored_;                                        \
        assert_int_equal(transaction_begin(&transaction_, (db), &ignored_), 0);                    \
        int stored_ = (change);                                                                    \
        if (stored_ == 0)                                                                          \
            assert_int_equal(transaction_commit(&transaction_, &ignored_), 0);                     \
        stored_;                                                                                   \
    })

#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, store_setup, store_teardown)
