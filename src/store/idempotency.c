// SPDX-License-Identifier: MIT
#include "store/idempotency.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

_Static_assert(IDEMPOTENCY_HASH_BYTES == crypto_generichash_BYTES, "a hash of the usual length");

static int check_key(const char *key, struct error *err)
{
    size_t n = strnlen(key, IDEMPOTENCY_KEY_MAX);
    bool   is_valid = n > 0 && n < IDEMPOTENCY_KEY_MAX;

    for (size_t i = 0; i < n && is_valid; i++)
        is_valid = key[i] > 0x20 && key[i] < 0x7f;
    return is_valid ? 0
                    : error_set(err, ERROR_INVALID,
                                "an Idempotency-Key has 1 to %u characters of ASCII, without "
                                "blanks",
                                IDEMPOTENCY_KEY_MAX - 1);
}

int idempotency_begin(struct idempotency_request *ret, int64_t user, const char *key,
                      const char *method, const char *path, const void *body, size_t n,
                      struct error *err)
{
    crypto_generichash_state state;

    if (check_key(key, err) < 0)
        return -1;
    ret->user = user;
    ret->key = key;
    // With the NULs, so that no two are the same bytes; only bad lengths fail.
    (void)crypto_generichash_init(&state, NULL, 0, sizeof ret->hash);
    (void)crypto_generichash_update(&state, (const uint8_t *)method, strlen(method) + 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)path, strlen(path) + 1);
    (void)crypto_generichash_update(&state, body, n);
    (void)crypto_generichash_final(&state, ret->hash, sizeof ret->hash);
    return 0;
}

static void bind(struct statement *row, const struct idempotency_request *request)
{
    statement_bind_number(row, ":user", request->user);
    statement_bind_text(row, ":key", request->key);
    statement_bind_bytes(row, ":hash", request->hash, sizeof request->hash);
}

int idempotency_find(int *ret_status, char **ret_answer, struct database *db,
                     const struct idempotency_request *request, int64_t now_unix_s,
                     struct error *err)
{
    static const struct query query =
        QUERY("SELECT status, answer, request_hash = :hash FROM idempotency_keys "
              "WHERE user = :user AND key = :key AND created_unix_s > :old");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind(&row, request);
    statement_bind_number(&row, ":old", now_unix_s - IDEMPOTENCY_LIFE_S);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    if (!statement_number(&row, 2))
        return error_set(err, ERROR_EXISTS,
                         "another request came with this Idempotency-Key: choose a new one");
    *ret_status = (int)statement_number(&row, 0);
    return statement_duplicate(&row, 1, ret_answer, err) < 0 ? -1 : 1;
}

// To count them costs a tenth of putting them in order.
static int are_too_many(bool *ret, struct database *db, int64_t user, struct error *err)
{
    static const struct query query =
        QUERY("SELECT count(*) > :keys OR sum(length(CAST(answer AS BLOB))) > :bytes "
              "FROM idempotency_keys WHERE user = :user");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":keys", IDEMPOTENCY_KEYS_MAX);
    statement_bind_number(&row, ":bytes", IDEMPOTENCY_BYTES_MAX);
    if (statement_next(&row, err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}

// Of his others those that are too many.
static int drop_oldest(struct database *db, const struct idempotency_request *request,
                       struct error *err)
{
    static const struct query query =
        QUERY("DELETE FROM idempotency_keys WHERE user = :user AND key IN (SELECT key FROM "
              "(SELECT key, count(*) OVER newest AS n, "
              "sum(length(CAST(answer AS BLOB))) OVER newest AS bytes "
              "FROM idempotency_keys WHERE user = :user WINDOW newest AS "
              "(ORDER BY key = :key DESC, created_unix_s DESC ROWS UNBOUNDED PRECEDING)) "
              "WHERE n > :keys OR (bytes > :bytes AND key != :key))");
    AUTO(statement_done) struct statement row = { 0 };
    bool                                  is_over = false;

    if (are_too_many(&is_over, db, request->user, err) < 0)
        return -1;
    if (!is_over)
        return 0;
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", request->user);
    statement_bind_text(&row, ":key", request->key);
    statement_bind_number(&row, ":keys", IDEMPOTENCY_KEYS_MAX);
    statement_bind_number(&row, ":bytes", IDEMPOTENCY_BYTES_MAX);
    return statement_run(&row, err);
}

// One of that key can only be too old: otherwise it was found.
int idempotency_keep(struct database *db, const struct idempotency_request *request, int status,
                     const char *answer, int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("INSERT OR REPLACE INTO idempotency_keys (user, key, request_hash, status, answer, "
              "created_unix_s) VALUES (:user, :key, :hash, :status, :answer, :now)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (strnlen(answer, IDEMPOTENCY_ANSWER_MAX) == IDEMPOTENCY_ANSWER_MAX)
        return error_set(err, ERROR_INVALID, "the answer is too long to be kept");
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    bind(&row, request);
    statement_bind_number(&row, ":status", status);
    statement_bind_text(&row, ":answer", answer);
    statement_bind_number(&row, ":now", now_unix_s);
    return statement_run(&row, err) < 0 ? -1 : drop_oldest(db, request, err);
}
