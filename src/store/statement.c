// SPDX-License-Identifier: MIT
#include "store/handle.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// ---- the kept ones ----------------------------------------------------------------------------

static struct prepared *find_place(struct database *db, const struct query *query)
{
    size_t at = ((uintptr_t)query / sizeof *query * 0x9e3779b1u) % ELEMENTS(db->prepared);

    while (db->prepared[at].query && db->prepared[at].query != query)
        at = (at + 1) % ELEMENTS(db->prepared);
    return &db->prepared[at];
}

int statement_begin(struct statement *ret, struct database *db, const struct query *query,
                    struct error *err)
{
    struct prepared *place = find_place(db, query);

    if (!place->query) {
        assert(db->n_prepared < DATABASE_QUERIES_MAX - 1); // one is empty, or a search has no end
        int code = sqlite3_prepare_v3(db->handle, query->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &place->statement, NULL);
        if (code != SQLITE_OK)
            return handle_raise(db, code, err);
        place->query = query;
        db->n_prepared++;
    }
    assert(!sqlite3_stmt_busy(place->statement));
    *ret = (struct statement){ .db = db, .row = place->statement };
    return 0;
}

void statement_done(struct statement *statement)
{
    if (!statement->row)
        return;
    (void)sqlite3_reset(statement->row); // it repeats what step has said
    (void)sqlite3_clear_bindings(statement->row);
    statement->row = NULL;
}

// ---- values -----------------------------------------------------------------------------------

static int place_of(const struct statement *statement, const char *name)
{
    int at = sqlite3_bind_parameter_index(statement->row, name);

    assert(at > 0); // of our own text
    return at;
}

static void keep_fault(struct statement *statement, int code)
{
    if (code != SQLITE_OK && !statement->fault)
        statement->fault = code;
}

void statement_bind_number(struct statement *statement, const char *name, int64_t value)
{
    keep_fault(statement, sqlite3_bind_int64(statement->row, place_of(statement, name), value));
}

void statement_bind_text_n(struct statement *statement, const char *name, const char *value,
                           size_t n)
{
    keep_fault(statement, sqlite3_bind_text64(statement->row, place_of(statement, name), value, n,
                                              SQLITE_STATIC, SQLITE_UTF8));
}

void statement_bind_text(struct statement *statement, const char *name, const char *value)
{
    statement_bind_text_n(statement, name, value, value ? strlen(value) : 0);
}

void statement_bind_bytes(struct statement *statement, const char *name, const void *value,
                          size_t n)
{
    keep_fault(statement, sqlite3_bind_blob64(statement->row, place_of(statement, name), value, n,
                                              SQLITE_STATIC));
}

// ---- rows -------------------------------------------------------------------------------------

int statement_next(struct statement *statement, struct error *err)
{
    if (statement->fault)
        return handle_raise(statement->db, statement->fault, err);
    int code = sqlite3_step(statement->row);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    return handle_raise(statement->db, code, err);
}

int statement_run(struct statement *statement, struct error *err)
{
    int r = statement_next(statement, err);

    assert(r <= 0);
    return r;
}

int statement_insert(struct statement *statement, int64_t *ret_id, struct error *err)
{
    if (statement_run(statement, err) < 0)
        return -1;
    *ret_id = sqlite3_last_insert_rowid(statement->db->handle);
    return 0;
}

int statement_change(struct statement *statement, unsigned *ret_n, struct error *err)
{
    if (statement_run(statement, err) < 0)
        return -1;
    *ret_n = (unsigned)sqlite3_changes(statement->db->handle);
    return 0;
}

int statement_one(struct statement *statement, const char *what, struct error *err)
{
    int r = statement_next(statement, err);

    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no such %s", what);
    return MIN(r, 0);
}

int statement_change_one(struct statement *statement, const char *what, struct error *err)
{
    unsigned n = 0;

    if (statement_change(statement, &n, err) < 0)
        return -1;
    return n ? 0 : error_set(err, ERROR_NOT_FOUND, "there is no such %s", what);
}

int database_run(struct database *db, const struct query *query, const char *name, int64_t value,
                 unsigned *ret_n, struct error *err)
{
    AUTO(statement_done) struct statement statement = { 0 };
    unsigned                              n = 0;

    if (statement_begin(&statement, db, query, err) < 0)
        return -1;
    statement_bind_number(&statement, name, value);
    if (statement_change(&statement, &n, err) < 0)
        return -1;
    if (ret_n)
        *ret_n = n;
    return 0;
}

int64_t statement_number(const struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->row, column);
}

bool statement_is_null(const struct statement *statement, int column)
{
    return sqlite3_column_type(statement->row, column) == SQLITE_NULL;
}

const char *statement_text(const struct statement *statement, int column)
{
    return (const char *)sqlite3_column_text(statement->row, column);
}

const void *statement_bytes(const struct statement *statement, int column, size_t *ret_n)
{
    const void *bytes = sqlite3_column_blob(statement->row, column);

    *ret_n = (size_t)sqlite3_column_bytes(statement->row, column);
    return bytes;
}

int statement_copy(const struct statement *statement, int column, char *ret, size_t size,
                   struct error *err)
{
    const char *text = statement_text(statement, column);
    size_t      n = (size_t)sqlite3_column_bytes(statement->row, column);

    if (n >= size || (text && strlen(text) != n))
        return error_set(err, ERROR_FAILED, "the database holds a text that is not of ours");
    memcpy(ret, text ? text : "", n + 1);
    return 0;
}

int statement_duplicate(const struct statement *statement, int column, char **ret,
                        struct error *err)
{
    const char *text = statement_text(statement, column);
    size_t      n = (size_t)sqlite3_column_bytes(statement->row, column);
    char       *copy = malloc(n + 1);

    if (!copy)
        return error_sys(err, ENOMEM, "reading the database");
    memcpy(copy, text ? text : "", n);
    copy[n] = '\0';
    *ret = copy;
    return 0;
}

int statement_word(const struct statement *statement, int column, int *ret,
                   const char *const *words, size_t n_words, struct error *err)
{
    const char *word = statement_text(statement, column);

    for (size_t i = 0; i < n_words; i++)
        if (word && strcmp(words[i], word) == 0) {
            *ret = (int)i;
            return 0;
        }
    return error_set(err, ERROR_FAILED, "the database holds a word that is not of ours");
}
