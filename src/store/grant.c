// SPDX-License-Identifier: MIT
#include "store/grant.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "store/change.h"

static const char *const words[] = { "view", "operate", "console", "files", "manage" };
_Static_assert(ELEMENTS(words) == GRANT_WORDS && GRANT_ALL == (1u << GRANT_WORDS) - 1,
               "every bit has a word");

const char *grant_word(unsigned i)
{
    assert(i < GRANT_WORDS);
    return words[i];
}

int grant_parse(unsigned *ret_bit, const char *word, struct error *err)
{
    for (unsigned i = 0; i < ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0) {
            *ret_bit = 1u << i;
            return 0;
        }
    return error_set(err, ERROR_INVALID,
                     "a grant is 'view', 'operate', 'console', 'files' or 'manage'");
}

int grant_next(struct grant *ret, struct database *db, int64_t server, int64_t user,
               struct error *err)
{
    static const struct query query =
        QUERY("SELECT user, name, may FROM server_grants JOIN users ON users.id = user "
              "WHERE server = :server AND user > :user ORDER BY user LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_number(&row, ":user", user);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    ret->user = statement_number(&row, 0);
    ret->may = (unsigned)statement_number(&row, 2);
    return statement_copy(&row, 1, ret->user_name, sizeof ret->user_name, err) < 0 ? -1 : 1;
}

// ---- giving -----------------------------------------------------------------------------------

static int refused(int64_t user, struct error *err)
{
    if (err->kind == ERROR_EXISTS)
        return error_set(err, ERROR_INVALID, "user %" PRIi64 " stands there twice", user);
    if (err->kind == ERROR_BUSY)
        return error_set(err, ERROR_INVALID, "there is no user %" PRIi64, user);
    return -1;
}

static int insert(struct database *db, int64_t server, const struct grant *grant, struct error *err)
{
    static const struct query query = QUERY("INSERT INTO server_grants (server, user, may) "
                                            "VALUES (:server, :user, :may)");
    AUTO(statement_done) struct statement row = { 0 };

    if (grant->may & ~GRANT_ALL || !grant->may)
        return error_set(err, ERROR_INVALID, "user %" PRIi64 " is granted nothing", grant->user);
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_number(&row, ":user", grant->user);
    statement_bind_number(&row, ":may", grant->may | GRANT_VIEW);
    return statement_run(&row, err) < 0 ? refused(grant->user, err) : 0;
}

static int find_owner(int64_t *ret, struct database *db, int64_t server, struct error *err)
{
    static const struct query query = QUERY("SELECT owner FROM servers WHERE id = :server");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    if (statement_one(&row, "server", err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}

// Who had one may have it no more, and does not see the server's own overlay either.
static int note_lost(struct database *db, int64_t server, struct error *err)
{
    static const struct query servers =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'server', server, 0, user FROM server_grants WHERE server = :server");
    static const struct query overlays =
        QUERY("INSERT OR REPLACE INTO changes (topic, object, is_deleted, lost_by) "
              "SELECT 'overlay', overlay, 0, user FROM server_grants "
              "JOIN servers ON servers.id = server WHERE server = :server AND overlay NOTNULL");

    return database_run(db, &servers, ":server", server, NULL, err) < 0
               ? -1
               : database_run(db, &overlays, ":server", server, NULL, err);
}

int grant_replace(struct database *db, int64_t server, const struct grant *grants, size_t n,
                  struct error *err)
{
    static const struct query query = QUERY("DELETE FROM server_grants WHERE server = :server");
    int64_t                   owner = 0;

    assert(database_is_writing(db));
    if (n > GRANT_USERS_MAX)
        return error_set(err, ERROR_INVALID, "a server has grants for %u users at most",
                         GRANT_USERS_MAX);
    if (find_owner(&owner, db, server, err) < 0 || note_lost(db, server, err) < 0 ||
        database_run(db, &query, ":server", server, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (grants[i].user == owner)
            return error_set(err, ERROR_INVALID, "the owner of a server may do everything already");
        if (insert(db, server, &grants[i], err) < 0)
            return -1;
    }
    return change_note(db, CHANGE_SERVER, server, false, err);
}
