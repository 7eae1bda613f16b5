// SPDX-License-Identifier: MIT
#include "store/invitation.h"

#include <assert.h>
#include <string.h>
#include "store/proof.h"
#include "store/session.h"

#define COLUMNS "id, name, role, user, made_by, created_unix_s, expires_unix_s"

static int take_row(struct invitation *ret, const struct statement *row, struct error *err)
{
    ret->id = statement_number(row, 0);
    ret->user = statement_number(row, 3);
    ret->made_by = statement_number(row, 4);
    ret->created_unix_s = statement_number(row, 5);
    ret->expires_unix_s = statement_number(row, 6);
    return statement_copy(row, 1, ret->name, sizeof ret->name, err) < 0
               ? -1
               : role_parse(&ret->role, statement_text(row, 2), err);
}

// ---- making -----------------------------------------------------------------------------------

static int remove_of_user(struct database *db, int64_t user, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM invitations WHERE user = :user");

    return database_run(db, &query, ":user", user, NULL, err);
}

int invitation_add(int64_t *ret_id, struct database *db, const struct invitation *invitation,
                   const struct secret_hash *hash, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO invitations (hash, name, role, user, made_by, created_unix_s, "
              "expires_unix_s) VALUES (:hash, nullif(:name, ''), :role, nullif(:user, 0), "
              "nullif(:made_by, 0), :created, :created + :life)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if ((*invitation->name && user_name_check(invitation->name, err) < 0) ||
        (invitation->user && remove_of_user(db, invitation->user, err) < 0) ||
        statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_bytes(&row, ":hash", hash->bytes, sizeof hash->bytes);
    statement_bind_text(&row, ":name", invitation->name);
    statement_bind_text(&row, ":role", role_word(invitation->role));
    statement_bind_number(&row, ":user", invitation->user);
    statement_bind_number(&row, ":made_by", invitation->made_by);
    statement_bind_number(&row, ":created", invitation->created_unix_s);
    statement_bind_number(&row, ":life", INVITATION_LIFE_S);
    return statement_insert(&row, ret_id, err);
}

// ---- finding ----------------------------------------------------------------------------------

int invitation_find(struct invitation *ret, struct database *db, const struct secret_hash *hash,
                    int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM invitations WHERE hash = :hash AND expires_unix_s > :now");
    AUTO(statement_done) struct statement row = { 0 };

    return proof_find(&row, db, &query, hash, now_unix_s,
                      "this link has been used, or is too old: ask for a new one", err) < 0
               ? -1
               : take_row(ret, &row, err);
}

int invitation_next(struct invitation *ret, struct database *db, int64_t id, int64_t now_unix_s,
                    struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM invitations WHERE id > :id AND expires_unix_s > :now "
              "ORDER BY id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":now", now_unix_s);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

// ---- being used -------------------------------------------------------------------------------

int invitation_accept(int64_t *ret_user, struct database *db, const struct invitation *invitation,
                      const char *name, const char *password_hash, int64_t now_unix_s,
                      struct error *err)
{
    int64_t user = invitation->user;

    assert(database_is_writing(db));
    // Whoever was first with it has removed it.
    if (invitation_remove(db, invitation->id, err) < 0)
        return -1;
    if (!user && user_add(&user, db, *invitation->name ? invitation->name : name, invitation->role,
                          now_unix_s, err) < 0)
        return -1;
    if (user_set_password_hash(db, user, password_hash, err) < 0 ||
        session_end_all(db, user, 0, err) < 0)
        return -1;
    *ret_user = user;
    return 0;
}

int invitation_remove(struct database *db, int64_t id, struct error *err)
{
    static const struct query             query = QUERY("DELETE FROM invitations WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, "invitation", err);
}

int invitation_drop_expired(struct database *db, int64_t now_unix_s, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM invitations WHERE expires_unix_s <= :now");

    assert(database_is_writing(db));
    return database_run(db, &query, ":now", now_unix_s, NULL, err);
}
