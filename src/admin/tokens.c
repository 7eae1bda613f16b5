// SPDX-License-Identifier: MIT

// tokens: what programs show in place of a session.

#include "admin/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "store/token.h"

#define DAYS_MAX 3650u
#define DAY_S    INT64_C(86400)

static json_t *token_json(const struct token *token, const char *user)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:o}", "id", (json_int_t)token->id, "name",
                     token->name, "user", user, "scope", token_scope_word(token->scope), "created",
                     (json_int_t)token->created_unix_s, "expires",
                     token->expires_unix_s ? json_integer(token->expires_unix_s) : json_null(),
                     "used", token->used_unix_s ? json_integer(token->used_unix_s) : json_null());
}

static int say_token(const struct admin *admin, const struct token *token, const char *user,
                     struct error *err)
{
    char expires[ADMIN_TIME_MAX], used[ADMIN_TIME_MAX];

    admin_time(expires, token->expires_unix_s);
    admin_time(used, token->used_unix_s);
    return admin_sayf(admin, token_json(token, user), err,
                      "%-6" PRId64 " %-20s %-16s %-8s %-16s %s", token->id, token->name, user,
                      token_scope_word(token->scope), expires, used);
}

static int list_of(const struct admin *admin, const struct user *user, unsigned *n,
                   struct error *err)
{
    struct token token = { 0 };
    int          r;

    while ((r = token_next(&token, admin->db, user->id, token.id, err)) > 0) {
        if ((*n)++ == 0 && !admin->is_json)
            printf("%-6s %-20s %-16s %-8s %-16s %s\n", "ID", "NAME", "USER", "SCOPE", "EXPIRES",
                   "USED");
        if (say_token(admin, &token, user->name, err) < 0)
            return -1;
    }
    return r;
}

int token_list_run(struct admin *admin, struct error *err)
{
    const char *only = admin->option[OPTION_USER];
    struct user user = { 0 };
    unsigned    n = 0;
    int         r = 0;

    if (only)
        return user_find_name(&user, admin->db, only, err) < 0 ? -1
                                                               : list_of(admin, &user, &n, err);
    while ((r = user_next(&user, admin->db, user.id, err)) > 0)
        if (list_of(admin, &user, &n, err) < 0)
            return -1;
    if (r == 0 && n == 0 && !admin->is_json)
        puts("There is no token: 'left4me token create NAME --user USER --scope read' makes one.");
    return r;
}

static int read_wishes(struct token *ret, struct user *ret_user, const struct admin *admin,
                       struct error *err)
{
    const char *user = admin->option[OPTION_USER], *scope = admin->option[OPTION_SCOPE];
    const char *expires = admin->option[OPTION_EXPIRES];
    uint32_t    days = 0;

    if (!user || !scope)
        return error_set(err, ERROR_INVALID,
                         "say whose it is with --user, and what it may with --scope");
    if (name_check(admin->args[0], "a token", err) < 0 ||
        user_find_name(ret_user, admin->db, user, err) < 0 ||
        token_scope_parse(&ret->scope, scope, err) < 0 ||
        (expires && number_parse_u32(&days, expires, 1, DAYS_MAX, err) < 0))
        return -1;
    ret->user = ret_user->id;
    (void)strcpy(ret->name, admin->args[0]); // it was checked
    ret->created_unix_s = admin_now_s();
    ret->expires_unix_s = days ? ret->created_unix_s + days * DAY_S : 0;
    return 0;
}

int token_create_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct token                              token = { 0 };
    struct user                               user;
    struct secret_hash                        hash;
    char                                      word[SECRET_WORD_MAX];

    if (read_wishes(&token, &user, admin, err) < 0)
        return -1;
    secret_make(word, &hash, SECRET_API_TOKEN);
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        token_add(&token.id, admin->db, &token, &hash, err) < 0 ||
        admin_record(admin, "token.create", user.name, token_json(&token, user.name), err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    json_t *json = token_json(&token, user.name);
    if (json)
        (void)json_object_set_new(json, "token", json_string(word)); // seen to be missing
    return admin_sayf(admin, json, err, "It is shown this once:\n%s", word);
}

// Whose it is: they are told apart by their numbers.
static int find(struct token *ret, struct user *ret_user, const struct admin *admin, int64_t id,
                struct error *err)
{
    int r, s;

    *ret_user = (struct user){ 0 };
    while ((r = user_next(ret_user, admin->db, ret_user->id, err)) > 0) {
        *ret = (struct token){ 0 };
        while ((s = token_next(ret, admin->db, ret_user->id, ret->id, err)) > 0)
            if (ret->id == id)
                return 0;
        if (s < 0)
            return -1;
    }
    return r < 0 ? -1 : error_set(err, ERROR_NOT_FOUND, "there is no such token");
}

int token_revoke_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct token                              token;
    struct user                               user;
    uint64_t                                  id = 0;

    if (number_parse_u64(&id, admin->args[0], 1, INT64_MAX, err) < 0)
        return error_prefix(err, "ID");
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        find(&token, &user, admin, (int64_t)id, err) < 0 ||
        token_remove(admin->db, user.id, token.id, err) < 0 ||
        admin_record(admin, "token.revoke", user.name, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    return admin_sayf(admin, token_json(&token, user.name), err, "revoked the token '%s' of %s",
                      token.name, user.name);
}
