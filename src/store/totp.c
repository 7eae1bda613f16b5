// SPDX-License-Identifier: MIT
#include "store/totp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include "store/change.h"

#define WHAT "user"

// ---- secrets ----------------------------------------------------------------------------------

static void name_context(char ret[SECRET_CONTEXT_MAX], int64_t id)
{
    (void)snprintf(ret, SECRET_CONTEXT_MAX, "totp of user %" PRIi64, id); // it fits
}

int user_totp_begin(struct database *db, int64_t id, const struct secret_key *key,
                    const struct user_totp *totp, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE users SET totp_begun_sealed = :sealed WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    struct secret_sealed                  sealed = { .n = 0 };
    char                                  context[SECRET_CONTEXT_MAX];

    assert(database_is_writing(db) && totp->n > 0 && totp->n <= USER_TOTP_MAX);
    name_context(context, id);
    if (secret_seal(&sealed, key, context, totp->bytes, totp->n, err) < 0 ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_bytes(&row, ":sealed", sealed.bytes, sealed.n);
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, WHAT, err);
}

// By a query that gives a sealed secret, or NULL, and a step.
static int find(struct user_totp *ret, struct database *db, const struct query *query, int64_t id,
                const struct secret_key *key, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    char                                  context[SECRET_CONTEXT_MAX];
    size_t                                n = 0;

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_one(&row, WHAT, err) < 0)
        return -1;
    if (statement_is_null(&row, 0))
        return error_set(err, ERROR_NOT_FOUND, "there is no second factor");
    const void *sealed = statement_bytes(&row, 0, &n);
    ret->last_step = statement_number(&row, 1);
    name_context(context, id);
    return secret_open(ret->bytes, &ret->n, sizeof ret->bytes, key, context, sealed, n, err);
}

int user_totp_begun(struct user_totp *ret, struct database *db, int64_t id,
                    const struct secret_key *key, struct error *err)
{
    static const struct query query =
        QUERY("SELECT totp_begun_sealed, totp_last_step FROM users WHERE id = :id");

    return find(ret, db, &query, id, key, err);
}

int user_totp_find(struct user_totp *ret, struct database *db, int64_t id,
                   const struct secret_key *key, struct error *err)
{
    static const struct query query =
        QUERY("SELECT totp_sealed, totp_last_step FROM users WHERE id = :id");

    return find(ret, db, &query, id, key, err);
}

// ---- its life ---------------------------------------------------------------------------------

static int forget_codes(struct database *db, int64_t id, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM recovery_codes WHERE user = :id");

    return database_run(db, &query, ":id", id, NULL, err);
}

static int add_code(struct database *db, int64_t id, const struct secret_hash *code,
                    struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO recovery_codes (user, hash) VALUES (:id, :hash)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_bytes(&row, ":hash", code->bytes, sizeof code->bytes);
    return statement_run(&row, err);
}

static int make_his(struct database *db, int64_t id, int64_t step, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE users SET totp_sealed = totp_begun_sealed, totp_begun_sealed = NULL, "
              "totp_last_step = :step WHERE id = :id AND totp_begun_sealed IS NOT NULL");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":step", step);
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, "second factor", err);
}

int user_totp_confirm(struct database *db, int64_t id, int64_t step,
                      const struct secret_hash codes[USER_RECOVERY_CODES], struct error *err)
{
    assert(database_is_writing(db));
    if (make_his(db, id, step, err) < 0 || forget_codes(db, id, err) < 0)
        return -1;
    for (size_t i = 0; i < USER_RECOVERY_CODES; i++)
        if (add_code(db, id, &codes[i], err) < 0)
            return -1;
    return change_note(db, CHANGE_USER, id, false, err);
}

int user_totp_use(struct database *db, int64_t id, int64_t step, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE users SET totp_last_step = :step WHERE id = :id AND totp_last_step < :step "
              "AND totp_sealed IS NOT NULL");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n = 0;

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":step", step);
    statement_bind_number(&row, ":id", id);
    if (statement_change(&row, &n, err) < 0)
        return -1;
    return n ? 0
             : error_set(err, ERROR_DENIED, "this code was used already: wait for the next one");
}

int user_totp_remove(struct database *db, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE users SET totp_sealed = NULL, totp_begun_sealed = NULL WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_change_one(&row, WHAT, err) < 0 || forget_codes(db, id, err) < 0)
        return -1;
    return change_note(db, CHANGE_USER, id, false, err);
}

// ---- recovery codes ---------------------------------------------------------------------------

int user_recovery_use(struct database *db, int64_t id, const struct secret_hash *code,
                      struct error *err)
{
    static const struct query query =
        QUERY("DELETE FROM recovery_codes WHERE user = :id AND hash = :hash");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n = 0;

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_bytes(&row, ":hash", code->bytes, sizeof code->bytes);
    if (statement_change(&row, &n, err) < 0)
        return -1;
    return n ? 0 : error_set(err, ERROR_DENIED, "this recovery code is not valid, or no longer");
}

int user_recovery_count(unsigned *ret, struct database *db, int64_t id, struct error *err)
{
    static const struct query query = QUERY("SELECT count(*) FROM recovery_codes WHERE user = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_next(&row, err) < 0)
        return -1;
    *ret = (unsigned)statement_number(&row, 0);
    return 0;
}
