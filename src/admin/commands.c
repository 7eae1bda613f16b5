// SPDX-License-Identifier: MIT
#include "admin/admin.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/audit.h"
#include "store/invitation.h"
#include "store/session.h"

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int record(const struct admin *admin, const char *action, struct error *err)
{
    const struct audit_event event = { .time_us = now_us(),
                                       .user_name = "root",
                                       .origin = "command line",
                                       .action = action,
                                       .subject = admin->name };

    return audit_add(admin->db, &event, err);
}

// Takes `json`. `text` is what is said without --json.
int admin_say(const struct admin *admin, json_t *json, const char *text, struct error *err)
{
    AUTO(freep) char *line = json ? json_dumps(json, JSON_ENSURE_ASCII) : NULL;

    json_decref(json);
    if (!line)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    puts(admin->is_json ? line : text);
    return 0;
}

// ---- commands ---------------------------------------------------------------------------------

// A word that is good once, for three days. It stands behind the '#', which no server ever logs.
static int invite(const struct admin *admin, const struct invitation *wanted, const char *action,
                  struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct invitation                         invitation = *wanted;
    struct secret_hash                        hash;
    char                                      word[SECRET_WORD_MAX], text[160];
    int64_t                                   id = 0;

    invitation.created_unix_s = now_us() / 1000000;
    secret_make(word, &hash, SECRET_INVITATION);
    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        invitation_add(&id, admin->db, &invitation, &hash, err) < 0 ||
        record(admin, action, err) < 0 || transaction_commit(&transaction, err) < 0)
        return -1;
    (void)snprintf(text, sizeof text,
                   "Good once, for three days, below the page's address:\n/join#%s",
                   word); // it fits
    return admin_say(
        admin,
        json_pack("{s:s, s:s, s:s}", "name", admin->name, "invitation", word, "path", "/join#"),
        text, err);
}

static int run_add(struct admin *admin, struct error *err)
{
    struct invitation invitation = { .role = admin->is_admin ? ROLE_ADMIN : ROLE_USER };
    struct user       user;

    if (user_name_check(admin->name, err) < 0)
        return -1;
    if (user_find_name(&user, admin->db, admin->name, err) == 0)
        return error_set(err, ERROR_EXISTS,
                         "there is a user '%s' already: 'left4me user invite %s' makes a link to "
                         "set a new password",
                         user.name, user.name);
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    (void)strcpy(invitation.name, admin->name); // it was checked
    return invite(admin, &invitation, "invitation.create", err);
}

static int run_invite(struct admin *admin, struct error *err)
{
    struct user user;

    if (user_find_name(&user, admin->db, admin->name, err) < 0)
        return -1;
    const struct invitation invitation = { .user = user.id, .role = user.role };
    return invite(admin, &invitation, "invitation.create", err);
}

static json_t *user_json(const struct user *user)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", user->name, "role", role_word(user->role),
                     "active", (int)user->is_active, "password", (int)user->has_password, "login",
                     user->login_unix_s ? json_integer(user->login_unix_s) : json_null());
}

static int run_list(struct admin *admin, struct error *err)
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
        user_find_name(&user, admin->db, admin->name, err) < 0 ||
        user_set_active(admin->db, user.id, is_active, err) < 0 ||
        session_end_all(admin->db, user.id, 0, err) < 0 ||
        record(admin, is_active ? "user.activate" : "user.deactivate", err) < 0 ||
        transaction_commit(&transaction, err) < 0 || user_find(&user, admin->db, user.id, err) < 0)
        return -1;
    return admin_say(admin, user_json(&user), is_active ? "activated" : "deactivated", err);
}

static int run_activate(struct admin *admin, struct error *err)
{
    return set_active(admin, true, err);
}

static int run_deactivate(struct admin *admin, struct error *err)
{
    return set_active(admin, false, err);
}

static int run_delete(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct user                               user;

    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        user_find_name(&user, admin->db, admin->name, err) < 0 ||
        user_remove(admin->db, user.id, err) < 0 || record(admin, "user.delete", err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    return admin_say(admin, user_json(&user), "deleted", err);
}

// What to write down elsewhere, so that whoever has the whole machine cannot rewrite it unseen.
static int run_log_check(struct admin *admin, struct error *err)
{
    struct audit_hash newest;
    char              hex[2 * AUDIT_HASH_BYTES + 1], text[160];

    if (audit_check(&newest, admin->db, err) < 0)
        return -1;
    (void)sodium_bin2hex(hex, sizeof hex, newest.bytes, sizeof newest.bytes); // it fits
    (void)snprintf(text, sizeof text, "The log of changes is whole. Its newest hash: %s", hex);
    return admin_say(admin, json_pack("{s:s}", "hash", hex), text, err);
}

const struct admin_command admin_commands[] = {
    { "user", "add", "NAME [--admin]", "make a link by which NAME sets a password", true, run_add },
    { "user", "invite", "NAME", "make a link for a new password", false, run_invite },
    { "user", "list", NULL, "list the users", false, run_list },
    { "user", "activate", "NAME", "let NAME log in again", false, run_activate },
    { "user", "deactivate", "NAME", "let NAME log in no more, and end the sessions", false,
      run_deactivate },
    { "user", "delete", "NAME", "delete a user who has nothing", false, run_delete },
    { "log", "check", NULL, "check the log of changes", false, run_log_check },
};
const size_t admin_n_commands = ELEMENTS(admin_commands);
