// SPDX-License-Identifier: MIT
#include "store/user.h"

#include <assert.h>
#include <string.h>
#include "store/change.h"

#define WHAT "user"
#define COLUMNS                                                                                    \
    "id, name, role, is_active, password_hash IS NOT NULL, totp_sealed IS NOT NULL, "              \
    "created_unix_s, login_unix_s"

static const char *const words[] = { [ROLE_USER] = "user", [ROLE_ADMIN] = "admin" };
_Static_assert(ELEMENTS(words) == ROLE_COUNT, "every role has a word");

const char *role_word(enum role role)
{
    return words[role];
}

int role_parse(enum role *ret, const char *word, struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0) {
            *ret = (enum role)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "a role is 'user' or 'admin'");
}

int64_t user_viewer(const struct user *user)
{
    return user->role == ROLE_ADMIN ? VIEWER_ALL : user->id;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int user_name_check(const char *name, struct error *err)
{
    size_t n = strnlen(name, USER_NAME_MAX);
    bool   is_valid = n > 0 && n < USER_NAME_MAX && is_letter_or_digit(name[0]);

    for (size_t i = 0; i < n && is_valid; i++)
        is_valid = is_letter_or_digit(name[i]) || strchr("._-", name[i]);
    if (!is_valid)
        return error_set(err, ERROR_INVALID,
                         "a user name has 1 to %u letters, digits, dots, dashes or underscores "
                         "and begins with a letter or digit",
                         USER_NAME_MAX - 1);
    return 0;
}

// ---- finding ----------------------------------------------------------------------------------

static int take_row(struct user *ret, const struct statement *row, struct error *err)
{
    struct user user = { .id = statement_number(row, 0),
                         .is_active = statement_number(row, 3),
                         .has_password = statement_number(row, 4),
                         .has_totp = statement_number(row, 5),
                         .created_unix_s = statement_number(row, 6),
                         .login_unix_s = statement_number(row, 7) };

    if (statement_copy(row, 1, user.name, sizeof user.name, err) < 0 ||
        role_parse(&user.role, statement_text(row, 2), err) < 0)
        return -1;
    *ret = user;
    return 0;
}

static int take_one(struct user *ret, struct statement *row, struct error *err)
{
    return statement_one(row, WHAT, err) < 0 ? -1 : take_row(ret, row, err);
}

int user_find(struct user *ret, struct database *db, int64_t id, struct error *err)
{
    static const struct query query = QUERY("SELECT " COLUMNS " FROM users WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    return take_one(ret, &row, err);
}

int user_find_name(struct user *ret, struct database *db, const char *name, struct error *err)
{
    static const struct query query = QUERY("SELECT " COLUMNS " FROM users WHERE name = :name");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":name", name);
    return take_one(ret, &row, err);
}

int user_next(struct user *ret, struct database *db, int64_t id, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM users WHERE id > :id ORDER BY id LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    int r = statement_next(&row, err);
    return r <= 0 || take_row(ret, &row, err) == 0 ? r : -1;
}

// Those who can log in.
int user_count_admins(unsigned *ret, struct database *db, struct error *err)
{
    static const struct query query = QUERY("SELECT count(*) FROM users WHERE role = 'admin' AND "
                                            "is_active AND password_hash IS NOT NULL");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0 || statement_next(&row, err) < 0)
        return -1;
    *ret = (unsigned)statement_number(&row, 0);
    return 0;
}

int user_has_any_password(bool *ret, struct database *db, struct error *err)
{
    static const struct query query =
        QUERY("SELECT EXISTS (SELECT 1 FROM users WHERE password_hash IS NOT NULL)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0 || statement_next(&row, err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}

// ---- changing ---------------------------------------------------------------------------------

int user_add(int64_t *ret_id, struct database *db, const char *name, enum role role,
             int64_t now_unix_s, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO users (name, role, created_unix_s) VALUES (:name, :role, :now)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (user_name_check(name, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":name", name);
    statement_bind_text(&row, ":role", role_word(role));
    statement_bind_number(&row, ":now", now_unix_s);
    if (statement_insert(&row, ret_id, err) == 0)
        return change_note(db, CHANGE_USER, *ret_id, false, err);
    if (err->kind == ERROR_EXISTS)
        return error_set(err, ERROR_EXISTS, "there is a user '%s' already", name);
    return -1;
}

// Of a statement that has all but the id.
static int change_one(struct statement *row, int64_t id, struct error *err)
{
    assert(database_is_writing(row->db));
    statement_bind_number(row, ":id", id);
    return statement_change_one(row, WHAT, err) < 0
               ? -1
               : change_note(row->db, CHANGE_USER, id, false, err);
}

// Asked after the change: the transaction takes it back.
static int keep_an_admin(struct database *db, unsigned n_before, struct error *err)
{
    unsigned n = 0;

    if (user_count_admins(&n, db, err) < 0)
        return -1;
    if (n == 0 && n_before > 0)
        return error_set(err, ERROR_BUSY, "it is the last admin who can log in");
    return 0;
}

// Who may do something else from now on logs in again, and what he has prepared for others, or for
// himself, is worth nothing.
static int end_what_he_has_begun(struct database *db, int64_t id, struct error *err)
{
    static const struct query sessions = QUERY("DELETE FROM sessions WHERE user = :id");
    static const struct query invitations = QUERY("DELETE FROM invitations WHERE made_by = :id");

    return database_run(db, &sessions, ":id", id, NULL, err) < 0
               ? -1
               : database_run(db, &invitations, ":id", id, NULL, err);
}

int user_set_role(struct database *db, int64_t id, enum role role, struct error *err)
{
    static const struct query query = QUERY("UPDATE users SET role = :role WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n_admins = 0;

    assert(database_is_writing(db));
    if (user_count_admins(&n_admins, db, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":role", role_word(role));
    if (change_one(&row, id, err) < 0 || end_what_he_has_begun(db, id, err) < 0)
        return -1;
    return keep_an_admin(db, n_admins, err);
}

int user_set_active(struct database *db, int64_t id, bool is_active, struct error *err)
{
    static const struct query query = QUERY("UPDATE users SET is_active = :active WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n_admins = 0;

    assert(database_is_writing(db));
    if (user_count_admins(&n_admins, db, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":active", is_active);
    if (change_one(&row, id, err) < 0 || (!is_active && end_what_he_has_begun(db, id, err) < 0))
        return -1;
    return keep_an_admin(db, n_admins, err);
}

// What refers to a user without CASCADE is what he has.
int user_remove(struct database *db, int64_t id, struct error *err)
{
    static const struct query             query = QUERY("DELETE FROM users WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n_admins = 0;

    assert(database_is_writing(db));
    if (user_count_admins(&n_admins, db, err) < 0 || statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    if (statement_change_one(&row, WHAT, err) < 0)
        return err->kind != ERROR_BUSY
                   ? -1
                   : error_set(err, ERROR_BUSY,
                               "this user still has servers, blueprints or overlays: "
                               "delete them, or give them to somebody else");
    return change_note(db, CHANGE_USER, id, true, err) < 0 ? -1 : keep_an_admin(db, n_admins, err);
}

// ---- passwords --------------------------------------------------------------------------------

int user_password_hash(char ret[USER_PASSWORD_MAX], struct database *db, int64_t id,
                       struct error *err)
{
    static const struct query query = QUERY("SELECT password_hash FROM users WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":id", id);
    return statement_one(&row, WHAT, err) < 0
               ? -1
               : statement_copy(&row, 0, ret, USER_PASSWORD_MAX, err);
}

int user_set_password_hash(struct database *db, int64_t id, const char *hash, struct error *err)
{
    static const struct query query =
        QUERY("UPDATE users SET password_hash = :hash WHERE id = :id");
    static const struct query invitations = QUERY("DELETE FROM invitations WHERE user = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":hash", hash);
    return change_one(&row, id, err) < 0 ? -1
                                         : database_run(db, &invitations, ":id", id, NULL, err);
}

int user_set_login(struct database *db, int64_t id, int64_t now_unix_s, struct error *err)
{
    static const struct query query = QUERY("UPDATE users SET login_unix_s = :now WHERE id = :id");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":now", now_unix_s);
    return change_one(&row, id, err);
}
