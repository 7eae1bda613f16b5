// SPDX-License-Identifier: MIT

// people: who may use the page, and the log of what was changed.

#include "admin/admin.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/audit.h"
#include "store/invitation.h"
#include "store/session.h"

// A word that is good once, for three days. It stands behind the '#', which no server ever logs.
static int invite(struct admin *admin, const struct invitation *wanted, const char *subject,
                  struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) char                         *url = NULL;
    const char                               *base = admin->option[OPTION_BASE];
    struct invitation                         invitation = *wanted;
    struct secret_hash                        hash;
    char                                      word[SECRET_WORD_MAX];
    int64_t                                   id = 0;
    int n_base = base ? (int)strlen(base) - (*base && base[strlen(base) - 1] == '/') : 0;

    invitation.created_unix_s = admin_now_s();
    secret_make(word, &hash, SECRET_INVITATION);
    if (asprintf(&url, "%.*s/join#%s", n_base, base ? base : "", word) < 0) {
        url = NULL;
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    }
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        invitation_add(&id, admin->db, &invitation, &hash, err) < 0 ||
        admin_record(admin, "invitation.create", subject, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    return admin_sayf(admin,
                      json_pack("{s:s, s:s, s:s, s:s}", "name", subject, "invitation", word, "path",
                                "/join#", "url", url),
                      err, "Good once, for three days%s:\n%s",
                      base ? "" : ", below the page's address", url);
}

// For whoever comes.
int invite_run(struct admin *admin, struct error *err)
{
    struct invitation invitation = { .role =
                                         admin_has(admin, OPTION_ADMIN) ? ROLE_ADMIN : ROLE_USER };
    const char       *name = admin->option[OPTION_NAME];
    struct user       user;

    if (!name)
        return invite(admin, &invitation, "", err);
    if (user_name_check(name, err) < 0)
        return -1;
    if (user_find_name(&user, admin->db, name, err) == 0)
        return error_set(err, ERROR_EXISTS,
                         "there is a user '%s' already: 'left4me user invite %s' makes a link to "
                         "set a new password",
                         user.name, user.name);
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    (void)strcpy(invitation.name, name); // it was checked
    return invite(admin, &invitation, name, err);
}

int user_add_run(struct admin *admin, struct error *err)
{
    admin->option[OPTION_NAME] = admin->args[0];
    return invite_run(admin, err);
}

int user_invite_run(struct admin *admin, struct error *err)
{
    struct user user;

    if (user_find_name(&user, admin->db, admin->args[0], err) < 0)
        return -1;
    const struct invitation invitation = { .user = user.id, .role = user.role };
    return invite(admin, &invitation, user.name, err);
}

static json_t *user_json(const struct user *user)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", user->name, "role", role_word(user->role),
                     "active", (int)user->is_active, "password", (int)user->has_password, "login",
                     user->login_unix_s ? json_integer(user->login_unix_s) : json_null());
}

int user_list_run(struct admin *admin, struct error *err)
{
    struct user user = { 0 };
    int         r;

    while ((r = user_next(&user, admin->db, user.id, err)) > 0) {
        char text[128];
        (void)snprintf(text, sizeof text, "%-20s %-6s%s%s", user.name, role_word(user.role),
                       user.is_active ? "" : " deactivated",
                       user.has_password ? "" : " without a password"); // it fits
        if (admin_say(admin, user_json(&user), text, err) < 0)
            return -1;
    }
    if (r == 0 && user.id == 0 && !admin->is_json)
        puts("There is no user yet: 'left4me user add NAME --admin' makes a link for the first "
             "one.");
    return r;
}

static int set_active(struct admin *admin, bool is_active, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct user                               user;

    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        user_find_name(&user, admin->db, admin->args[0], err) < 0 ||
        user_set_active(admin->db, user.id, is_active, err) < 0 ||
        session_end_all(admin->db, user.id, 0, err) < 0 ||
        admin_record(admin, is_active ? "user.activate" : "user.deactivate", user.name, NULL, err) <
            0 ||
        transaction_commit(&transaction, err) < 0 || user_find(&user, admin->db, user.id, err) < 0)
        return -1;
    return admin_say(admin, user_json(&user), is_active ? "activated" : "deactivated", err);
}

int user_activate_run(struct admin *admin, struct error *err)
{
    return set_active(admin, true, err);
}

int user_deactivate_run(struct admin *admin, struct error *err)
{
    return set_active(admin, false, err);
}

int user_delete_run(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct user                               user;

    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        user_find_name(&user, admin->db, admin->args[0], err) < 0 ||
        user_remove(admin->db, user.id, err) < 0 ||
        admin_record(admin, "user.delete", user.name, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    return admin_say(admin, user_json(&user), "deleted", err);
}

// Whether the log goes on from where it was when somebody wrote down a hash.
static int check_known(struct admin *admin, const char *hex, struct error *err)
{
    struct audit_hash known;
    size_t            n = 0;
    bool              is_there = false;

    if (strlen(hex) != 2 * sizeof known.bytes ||
        sodium_hex2bin(known.bytes, sizeof known.bytes, hex, strlen(hex), NULL, &n, NULL) != 0)
        return error_set(err, ERROR_INVALID, "HASH: it has %zu digits of 0-9 and a-f",
                         2 * sizeof known.bytes);
    if (audit_has(&is_there, admin->db, &known, err) < 0)
        return -1;
    return is_there ? 0
                    : error_set(err, ERROR_FAILED,
                                "the log of changes has no event with this hash: its end was taken "
                                "off or rewritten, or that event is too old to be kept");
}

// What to write down elsewhere, so that whoever has the whole machine cannot rewrite it unseen.
int log_check_run(struct admin *admin, struct error *err)
{
    struct audit_hash newest;
    char              hex[2 * AUDIT_HASH_BYTES + 1], text[160];

    if (audit_check(&newest, admin->db, err) < 0 ||
        (admin->n_args > 0 && check_known(admin, admin->args[0], err) < 0))
        return -1;
    (void)sodium_bin2hex(hex, sizeof hex, newest.bytes, sizeof newest.bytes); // it fits
    (void)snprintf(text, sizeof text, "The log of changes is whole. Its newest hash: %s", hex);
    return admin_say(admin, json_pack("{s:s}", "hash", hex), text, err);
}
