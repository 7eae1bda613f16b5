// SPDX-License-Identifier: MIT

// account: one's own account, and accepting an invitation.

#include "store/invitation.h"
#include "web/attempt.h"
#include "web/guard.h"
#include "web/login.h"
#include "web/second.h"

// ---- one's own --------------------------------------------------------------------------------

static int me_run(struct api_request *request, struct error *err)
{
    return api_answer(request, 200, api_user_json(&request->user), err);
}

static json_t *session_json(const struct session *session, int64_t own)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:b}", "id", (json_int_t)session->id,
                     "address", session->address, "agent", session->agent, "created",
                     (json_int_t)session->created_unix_s, "seen", (json_int_t)session->seen_unix_s,
                     "expires", (json_int_t)session->expires_unix_s, "current",
                     (int)(session->id == own));
}

static int sessions_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    struct session                      session;
    int                                 r;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while ((r = session_next(&session, request->web->db, request->user.id, page.at,
                             api_now_unix_s(), err)) > 0 &&
           api_page_add(&page, session.id, session_json(&session, request->session.id)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "sessions", err);
}

static int session_end_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 ||
        session_end(db, request->user.id, request->parameters[0], err) < 0 ||
        api_audit(request, "session.end", request->user.name, NULL, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    api_answer_nothing(request);
    return 0;
}

// ---- an invitation ----------------------------------------------------------------------------

static int find_invitation(struct invitation *ret, struct api_request *request, struct error *err)
{
    struct secret_hash hash;
    char               word[SECRET_WORD_MAX];

    if (api_text(word, sizeof word, 1, request, "invitation", err) < 0 ||
        secret_hash_word(&hash, SECRET_INVITATION, word, err) < 0)
        return -1;
    return invitation_find(ret, request->web->db, &hash, api_now_unix_s(), err);
}

static int accept_invitation(struct api_request *request, const char *password_hash,
                             struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct invitation                         invitation;
    char                                      name[USER_NAME_MAX] = "";
    int64_t                                   user = 0;

    if (transaction_begin(&transaction, db, err) < 0 ||
        find_invitation(&invitation, request, err) < 0 ||
        (!*invitation.name && !invitation.user &&
         api_text(name, sizeof name, 1, request, "name", err) < 0) ||
        invitation_accept(&user, db, &invitation, name, password_hash, api_now_unix_s(), err) < 0 ||
        user_find(&request->user, db, user, err) < 0 ||
        api_audit(request, invitation.user ? "user.password" : "user.create", request->user.name,
                  NULL, api_user_json(&request->user), err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return login_begin(request, err);
}

static void join_hashed(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct error        err = { 0 };

    (void)is_match;
    request->forget = NULL;
    if (!*hash)
        (void)error_set(&err, ERROR_NO_SPACE, "there is no memory for it right now");
    if (!*hash || accept_invitation(request, hash, &err) < 0)
        api_answer_error(request, &err);
}

// A link does not stand for the second factor of whom it is for.
static int check_invited(struct api_request *request, int64_t id, struct error *err)
{
    struct user user;

    return user_find(&user, request->web->db, id, err) < 0 ||
                   attempt_check(request, user.name, err) < 0
               ? -1
               : second_check(request, &user, err);
}

// That the invitation is good is asked before, so that nobody keeps the hasher busy without one.
static int join_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "invitation", "name", "password", "code", NULL };
    struct invitation        invitation;
    char                     password[PASSWORD_BYTES_MAX + 1];

    if (api_check_fields(request, fields, err) < 0 ||
        find_invitation(&invitation, request, err) < 0 ||
        api_text(password, sizeof password, PASSWORD_BYTES_MIN, request, "password", err) < 0 ||
        second_check_form(request, err) < 0 ||
        (invitation.user && check_invited(request, invitation.user, err) < 0))
        return -1;
    request->forget = login_forget;
    return hasher_make(request->web->hasher, password, join_hashed, request, err);
}

// ---- a new password ---------------------------------------------------------------------------

static int set_password(struct api_request *request, const char *hash, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 ||
        user_set_password_hash(db, request->user.id, hash, err) < 0 ||
        session_end_all(db, request->user.id, 0, err) < 0 ||
        api_audit(request, "user.password", request->user.name, NULL, NULL, err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

// All sessions end, this one as well: it goes on under a new word.
static void password_hashed(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct error        err = { 0 };

    (void)is_match;
    request->forget = NULL;
    if (!*hash)
        (void)error_set(&err, ERROR_NO_SPACE, "there is no memory for it right now");
    // Hashing takes its time: he must still be logged in.
    if (!*hash || guard_identify(request, &err) < 0 || set_password(request, hash, &err) < 0 ||
        login_begin(request, &err) < 0)
        api_answer_error(request, &err);
}

static void old_password_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    const char         *password = json_string_value(json_object_get(request->body, "password"));
    struct error        err = { 0 };

    (void)hash;
    request->forget = NULL;
    if (attempt_check_again(request, request->user.name, &err) < 0) {
        api_answer_error(request, &err);
        return;
    }
    if (!is_match) {
        attempt_failed(request, request->user.name);
        (void)error_set(&err, ERROR_DENIED, "the old password is wrong");
        (void)api_about(request, "old_password");
    } else if (hasher_make(request->web->hasher, password, password_hashed, request, &err) == 0) {
        request->forget = login_forget;
        return;
    }
    api_answer_error(request, &err);
}

// Whoever finds a browser that is logged in does not take the account with it.
static int password_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "old_password", "password", NULL };
    char                     old[PASSWORD_BYTES_MAX + 1], password[PASSWORD_BYTES_MAX + 1];
    char                     hash[PASSWORD_HASH_MAX];

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(old, sizeof old, 1, request, "old_password", err) < 0 ||
        api_text(password, sizeof password, PASSWORD_BYTES_MIN, request, "password", err) < 0 ||
        attempt_check(request, request->user.name, err) < 0 ||
        user_password_hash(hash, request->web->db, request->user.id, err) < 0)
        return -1;
    request->forget = login_forget;
    return hasher_match(request->web->hasher, hash, old, old_password_checked, request, err);
}

// ---- the table --------------------------------------------------------------------------------

static int health_run(struct api_request *request, struct error *err)
{
    return api_answer(request, 200,
                      json_pack("{s:s, s:s}", "status", "ok", "version", PROJECT_VERSION), err);
}

static const struct route routes[] = {
    { HTTP_GET, "/health", API_ANYBODY, TOKEN_READ, health_run },
    { HTTP_POST, "/join", API_ANYBODY, TOKEN_READ, join_run, .body = API_JSON },
    { HTTP_GET, "/me", API_USER, TOKEN_READ, me_run },
    { HTTP_PUT, "/me/password", API_SESSION, TOKEN_READ, password_run, .body = API_JSON },
    { HTTP_GET, "/me/sessions", API_SESSION, TOKEN_READ, sessions_run },
    { HTTP_DELETE, "/me/sessions/#", API_SESSION, TOKEN_READ, session_end_run, API_OWN },
};

const struct route_table account_routes = { routes, ELEMENTS(routes) };
