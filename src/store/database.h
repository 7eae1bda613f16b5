// SPDX-License-Identifier: MIT
#pragma once

// database: a connection to the SQLite file of all that the page knows.
//
// It is opened with WAL, foreign keys and full syncs: what a transaction has committed is there
// after a power cut. A file of an earlier version is brought forward, one of a later version, of
// another program or with damage is refused in a sentence. A connection belongs to one thread.
//
// SQL is constant: a query is a literal of the file that asks it, and its values are bound by name.
// Statements are prepared when they are first asked and kept as long as the connection.
//
//   static const struct query find = QUERY("SELECT name FROM users WHERE id = :id");
//
//   AUTO(statement_done) struct statement user = { 0 };
//   if (statement_begin(&user, db, &find, err) < 0)
//       return -1;
//   statement_bind_number(&user, ":id", id);
//   int r = statement_next(&user, err);     // 1: a row, 0: no more, -1
//
// A value that could not be bound is told by the statement_next() after it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define DATABASE_QUERIES_MAX 512u
#define DATABASE_VALUE_MAX   (8u << 20) // bytes of one text or blob
#define DATABASE_WAIT_MS     10000      // for another one that writes; see database_set_wait()

struct database;
struct sqlite3_stmt;

// Creates the file, readable by its owner alone, where there is none. ERROR_BUSY: another program
// has it locked.
int database_open(struct database **ret, const char *path, struct error *err) MUST_USE;
// What `path` is before it is brought forward is at hand to the tests alone.
int database_open_as(struct database **ret, const char *path, unsigned version, struct error *err)
    MUST_USE;
struct database *database_close(struct database *db); // takes NULL, returns NULL
void             database_closep(struct database **db);

// How long whoever wants to write waits for another one that does, before it is ERROR_BUSY, with
// EAGAIN.
void database_set_wait(struct database *db, unsigned wait_ms);

unsigned database_newest_version(void);
int      database_version(unsigned *ret, struct database *db, struct error *err) MUST_USE;

// Reads all of it: damage, and rows that point nowhere, are ERROR_FAILED.
int database_check(struct database *db, struct error *err) MUST_USE;

// Copies it as it is at this moment to the new file `path`, while others read and write; not within
// a transaction of `db`. There is no file if it fails.
int database_back_up(struct database *db, const char *path, struct error *err) MUST_USE;

// ---- transactions -----------------------------------------------------------------------------

// What is done between begin and commit is there as a whole, or not at all: done() takes back what
// was not committed. One at a time, from its beginning the only one that writes.
struct transaction {
    struct database *db; // NULL: nothing to take back
};

int  transaction_begin(struct transaction *ret, struct database *db, struct error *err) MUST_USE;
int  transaction_commit(struct transaction *transaction, struct error *err) MUST_USE;
void transaction_done(struct transaction *transaction);

bool database_is_writing(const struct database *db); // within a transaction

// ---- statements -------------------------------------------------------------------------------

struct query {
    const char *sql;
};

#define QUERY(text)                                                                                \
    {                                                                                              \
        .sql = "" text ""                                                                          \
    }

struct statement {
    struct database     *db;
    struct sqlite3_stmt *row;
    int                  fault; // of a bind
};

// The query must not be under way already.
int  statement_begin(struct statement *ret, struct database *db, const struct query *query,
                     struct error *err) MUST_USE;
void statement_done(struct statement *statement);

void statement_bind_number(struct statement *statement, const char *name, int64_t value);
// NULL is no value; otherwise borrowed until the statement is done.
void statement_bind_text(struct statement *statement, const char *name, const char *value);
void statement_bind_text_n(struct statement *statement, const char *name, const char *value,
                           size_t n);
void statement_bind_bytes(struct statement *statement, const char *name, const void *value,
                          size_t n);

int statement_next(struct statement *statement, struct error *err) MUST_USE;
// One that gives no rows.
int statement_run(struct statement *statement, struct error *err) MUST_USE;
// Runs it and tells the id of the row it has inserted.
int statement_insert(struct statement *statement, int64_t *ret_id, struct error *err) MUST_USE;
// Runs it and tells how many rows it has changed.
int statement_change(struct statement *statement, unsigned *ret_n, struct error *err) MUST_USE;

// Of a statement about one thing. ERROR_NOT_FOUND: "there is no such `what`". The first is at its
// row then, the second has changed it.
int statement_one(struct statement *statement, const char *what, struct error *err) MUST_USE;
int statement_change_one(struct statement *statement, const char *what, struct error *err) MUST_USE;

// Runs a query whose one value is a number. *ret_n, if it is asked for: how many rows it has
// changed.
int database_run(struct database *db, const struct query *query, const char *name, int64_t value,
                 unsigned *ret_n, struct error *err) MUST_USE;

// Of the row that there is. Texts and bytes are borrowed until the next one; a value that is not
// there is 0, or NULL.
int64_t     statement_number(const struct statement *statement, int column);
bool        statement_is_null(const struct statement *statement, int column);
const char *statement_text(const struct statement *statement, int column);
const void *statement_bytes(const struct statement *statement, int column, size_t *ret_n);
// Copies a text into `ret`; what does not fit is an error, for what is stored has its limit.
int statement_copy(const struct statement *statement, int column, char *ret, size_t size,
                   struct error *err) MUST_USE;
// The same of any length; *ret is owned, "" for a value that is not there.
int statement_duplicate(const struct statement *statement, int column, char **ret,
                        struct error *err) MUST_USE;
// Which of `words` it is; another one is an error, likewise.
int statement_word(const struct statement *statement, int column, int *ret,
                   const char *const *words, size_t n_words, struct error *err) MUST_USE;
