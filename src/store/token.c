// SPDX-License-Identifier: MIT
#include "store/token.h"

#include <assert.h>
#include <string.h>
#include "store/proof.h"

#define COLUMNS "id, user, name, scope, created_unix_s, expires_unix_s, used_unix_s"

static const char *const words[] = {
    [TOKEN_READ] = "read",
    [TOKEN_OPERATE] = "operate",
    [TOKEN_MANAGE] = "manage",
    [TOKEN_ADMIN] = "admin",
};
_Static_assert(ELEMENTS(words) == TOKEN_SCOPES, "every scope has a word");

const char *token_scope_word(enum token_scope scope)
{
    return words[scope];
}

int token_scope_parse(enum token_scope *ret, const char *word, struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0) {
            *ret = (enum token_scope)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "a scope is 'read', 'operate', 'manage' or 'admin'");
}

static int take_row(struct token *ret, const struct statement *row, struct error *err)
{
    int scope = 0;

    ret->id = statement_number(row, 0);
    ret->user = statement_number(row, 1);
    ret->created_unix_s = statement_number(row, 4);
    ret->expires_unix_s = statement_number(row, 5);
    ret->used_unix_s = statement_number(row, 6);
    if (statement_word(row, 3, &scope, words, ELEMENTS(words), err) < 0)
        return -1;
    ret->scope = (enum token_scope)scope;
    return statement_copy(row, 2, ret->name, sizeof ret->name, err);
}

// ---- making -----------------------------------------------------------------------------------

static int check_room(struct database *db, int64_t user, struct error *err)
{
    static const struct query query = QUERY("SELECT count(*) FROM api_tokens WHERE user = :user");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    if (statement_next(&row, err) < 0)
        return -1;
    return statement_number(&row, 0) < TOKEN_USER_MAX
               ? 0
               : error_set(err, ERROR_BUSY, "there are %d tokens already: revoke one of them",
                           TOKEN_USER_MAX);
}

static int check(struct database *db, const struct token *token, struct error *err)
{
    if (name_check(token->name, "a token", err) < 0)
        return -1;
    if (token->expires_unix_s && token->expires_unix_s <= token->created_unix_s)
        return error_set(err, ERROR_INVALID, "a token expires in the future");
    return check_room(db, token->user, err);
}

int token_add(int64_t *ret_id, struct database *db, const struct token *token,
              const struct secret_hash *hash, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO api_tokens (hash, user, name, scope, created_unix_s, expires_unix_s) "
              "VALUES (:hash, :user, :name, :scope, :created, nullif(:expires, 0))");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (check(db, token, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_bytes(&row, ":hash", hash->bytes, sizeof hash->bytes);
    statement_bind_number(&row, ":user", token->user);
    statement_bind_text(&row, ":name", token->name);
    statement_bind_text(&row, ":scope", words[token->scope]);
    statement_bind_number(&row, ":created", token->created_unix_s);
    statement_bind_number(&row, ":expires", token->expires_unix_s);
    if (statement_insert(&row, ret_id, err) == 0)
        return 0;
    return err->kind == ERROR_EXISTS
               ? error_set(err, ERROR_EXISTS, "there is a token '%s' already", token->name)
               : -1;
}

// ---- finding ----------------------------------------------------------------------------------

static int find_row(struct token *ret, struct database *db, const struct secret_hash *hash,
                    int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM api_tokens WHERE hash = :hash AND "
              "(expires_unix_s IS NULL OR expires_unix_s > :now)");
    AUTO(statement_done) struct statement row = { 0 };

    return proof_find(&row, db, &query, hash, now_unix_s,
                      "this token has expired, or was revoked: make a new one", err) < 0
               ? -1
               : take_row(ret, &row, err);
}

int token_find(struct token *ret, struct user *ret_user, bool *ret_is_stale, struct database *db,
               const struct secret_hash *hash, int64_t now_unix_s, struct error *err)
{
    if (find_row(ret, db, hash, now_unix_s, err) < 0 ||
        proof_find_user(ret_user, db, ret->user, err) < 0)
        return -1;
    *ret_is_stale = now_unix_s >= ret->used_unix_s + TOKEN_USED_STEP_S;
    return 0;
}

int token_use(struct database *db, int64_t id, int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE api_tokens SET used_unix_s = :now WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":now", now_unix_s);
    statement_bind_number(&row, ":id", id);
    return statement_run(&row, err);
}

int token_next(struct token *ret, struct database *db, int64_t user, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM api_tokens WHERE user = :user AND id > :id "
              "ORDER BY id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":id", id);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

int token_remove(struct database *db, int64_t user, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("DELETE FROM api_tokens WHERE user = :user AND id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, "token", err);
}
