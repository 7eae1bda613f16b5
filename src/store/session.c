// SPDX-License-Identifier: MIT
#include "store/session.h"

#include <assert.h>
#include <string.h>
#include "base/text.h"
#include "store/proof.h"

#define COLUMNS "id, user, address, agent, created_unix_s, seen_unix_s, expires_unix_s"

static int take_row(struct session *ret, const struct statement *row, struct error *err)
{
    ret->id = statement_number(row, 0);
    ret->user = statement_number(row, 1);
    ret->created_unix_s = statement_number(row, 4);
    ret->seen_unix_s = statement_number(row, 5);
    ret->expires_unix_s = statement_number(row, 6);
    return statement_copy(row, 2, ret->address, sizeof ret->address, err) < 0
               ? -1
               : statement_copy(row, 3, ret->agent, sizeof ret->agent, err);
}

static int64_t end_of(int64_t created_unix_s, int64_t seen_unix_s)
{
    return MIN(created_unix_s + SESSION_LIFE_S, seen_unix_s + SESSION_IDLE_S);
}

// ---- beginning --------------------------------------------------------------------------------

static int end_oldest(struct database *db, int64_t user, struct error *err)
{
    static const struct query query =
        QUERY("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user = :user "
              "ORDER BY seen_unix_s DESC, id DESC LIMIT -1 OFFSET :kept)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":kept", SESSION_USER_MAX - 1);
    return statement_run(&row, err);
}

int session_add(int64_t *ret_id, struct database *db, const struct secret_hash *hash, int64_t user,
                const char *address, const char *agent, int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO sessions (hash, user, address, agent, created_unix_s, seen_unix_s, "
              "expires_unix_s) VALUES (:hash, :user, :address, :agent, :now, :now, :end)");
    AUTO(statement_done) struct statement row = { 0 };
    char                                  safe_agent[SESSION_AGENT_MAX];

    assert(database_is_writing(db));
    if (strnlen(address, SESSION_ADDRESS_MAX) == SESSION_ADDRESS_MAX)
        return error_set(err, ERROR_INVALID, "the address is too long");
    if (end_oldest(db, user, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    (void)text_sanitize(safe_agent, sizeof safe_agent, agent, strlen(agent)); // it cuts it as well
    statement_bind_bytes(&row, ":hash", hash->bytes, sizeof hash->bytes);
    statement_bind_number(&row, ":user", user);
    statement_bind_text(&row, ":address", address);
    statement_bind_text(&row, ":agent", safe_agent);
    statement_bind_number(&row, ":now", now_unix_s);
    statement_bind_number(&row, ":end", end_of(now_unix_s, now_unix_s));
    return statement_insert(&row, ret_id, err);
}

// ---- finding ----------------------------------------------------------------------------------

static int find_row(struct session *ret, struct database *db, const struct secret_hash *hash,
                    int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM sessions WHERE hash = :hash AND expires_unix_s > :now");
    AUTO(statement_done) struct statement row = { 0 };

    return proof_find(&row, db, &query, hash, now_unix_s, "the session has ended: log in again",
                      err) < 0
               ? -1
               : take_row(ret, &row, err);
}

int session_find(struct session *ret, struct user *ret_user, bool *ret_is_stale,
                 struct database *db, const struct secret_hash *hash, int64_t now_unix_s,
                 struct error *err)
{
    if (find_row(ret, db, hash, now_unix_s, err) < 0 ||
        proof_find_user(ret_user, db, ret->user, err) < 0)
        return -1;
    *ret_is_stale = now_unix_s >= ret->seen_unix_s + SESSION_SEEN_STEP_S;
    return 0;
}

int session_see(struct database *db, int64_t id, int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE sessions SET seen_unix_s = :now, "
              "expires_unix_s = min(created_unix_s + :life, :now + :idle) WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":now", now_unix_s);
    statement_bind_number(&row, ":life", SESSION_LIFE_S);
    statement_bind_number(&row, ":idle", SESSION_IDLE_S);
    statement_bind_number(&row, ":id", id);
    return statement_run(&row, err);
}

int session_next(struct session *ret, struct database *db, int64_t user, int64_t id,
                 int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM sessions WHERE user = :user AND id > :id AND "
              "expires_unix_s > :now ORDER BY id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":id", id);
    statement_bind_number(&row, ":now", now_unix_s);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

// ---- ending -----------------------------------------------------------------------------------

int session_end(struct database *db, int64_t user, int64_t id, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM sessions WHERE user = :user AND id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":id", id);
    return statement_change_one(&row, "session", err);
}

int session_end_all(struct database *db, int64_t user, int64_t but, struct error *err)
{
    static const struct query query =
        QUERY("DELETE FROM sessions WHERE user = :user AND id != :but");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":user", user);
    statement_bind_number(&row, ":but", but);
    return statement_run(&row, err);
}

int session_drop_expired(struct database *db, int64_t now_unix_s, struct error *err)
{
    static const struct query query = QUERY("DELETE FROM sessions WHERE expires_unix_s <= :now");

    assert(database_is_writing(db));
    return database_run(db, &query, ":now", now_unix_s, NULL, err);
}
