// SPDX-License-Identifier: MIT

// account: logging in and out, one's own account, and accepting an invitation.

#include <stdio.h>
#include <string.h>
#include "store/invitation.h"
#include "web/guard.h"
#include "web/visit.h"

#define AGENT_MAX 512u

static void forget_hasher(struct api_request *request)
{
    hasher_forget(request->web->hasher, request);
}

// ---- a session --------------------------------------------------------------------------------

static void copy_agent(char ret[AGENT_MAX], const struct api_request *request)
{
    struct http_text agent = http_exchange_request(request->exchange)->fields[HTTP_USER_AGENT];
    size_t           n = MIN(agent.n, AGENT_MAX - 1);

    if (n > 0)
        memcpy(ret, agent.bytes, n);
    ret[n] = '\0';
}

// A new word each time: one that was put into the browser before is of no use to whoever put it.
static int begin_session(struct api_request *request, char word[SECRET_WORD_MAX], struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct secret_hash                        hash;
    char                                      address[SESSION_ADDRESS_MAX], agent[AGENT_MAX];
    int64_t                                   now_unix_s = api_now_unix_s();

    secret_make(word, &hash, SECRET_SESSION);
    api_address(address, request);
    copy_agent(agent, request);
    if (transaction_begin(&transaction, db, err) < 0 ||
        (request->session.id &&
         session_end(db, request->session.user, request->session.id, err) < 0 &&
         err->kind != ERROR_NOT_FOUND) ||
        session_add(&request->session.id, db, &hash, request->user.id, address, agent, now_unix_s,
                    err) < 0 ||
        user_set_login(db, request->user.id, now_unix_s, err) < 0 ||
        api_audit(request, "session.begin", request->user.name, NULL, NULL, err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

static int answer_session(struct api_request *request, struct error *err)
{
    char word[SECRET_WORD_MAX];

    if (begin_session(request, word, err) < 0)
        return -1;
    guard_set_cookie(request, word);
    return api_answer(request, 200, json_pack("{s:o}", "user", api_user_json(&request->user)), err);
}

// The same words for a name that nobody has, and no password.
static int wrong(struct error *err)
{
    return error_set(err, ERROR_DENIED, "the name or the password is wrong");
}

struct keys {
    struct throttle_key address, account;
};

static struct keys keys_of(const struct api_request *request, const char *name)
{
    const struct throttle *throttle = request->web->throttle;

    return (struct keys){ throttle_of_address(throttle, &visit_of(request->exchange)->client),
                          throttle_of_account(throttle, name) };
}

static void login_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct throttle    *throttle = request->web->throttle;
    struct keys         keys = keys_of(request, request->user.name);
    struct error        err = { 0 };

    (void)hash;
    request->forget = NULL;
    is_match = is_match && request->user.id && request->user.is_active;
    if (!is_match) {
        request->status = 401; // whether or not there is such a user
        throttle_failed(throttle, keys.address, api_now_unix_s());
        throttle_failed(throttle, keys.account, api_now_unix_s());
        (void)wrong(&err);
        api_answer_error(request, &err);
        return;
    }
    throttle_succeeded(throttle, keys.account);
    if (answer_session(request, &err) < 0)
        api_answer_error(request, &err);
}

static int check_throttle(struct api_request *request, const char *name, struct error *err)
{
    const struct throttle *throttle = request->web->throttle;
    struct keys            keys = keys_of(request, name);
    int64_t                now_unix_s = api_now_unix_s();
    unsigned               wait_s = MAX(throttle_wait_s(throttle, keys.address, now_unix_s),
                                        throttle_wait_s(throttle, keys.account, now_unix_s));
    char                   text[16];

    if (wait_s == 0)
        return 0;
    (void)snprintf(text, sizeof text, "%u", wait_s); // it fits
    http_exchange_add(request->exchange, "Retry-After", text);
    request->status = 429;
    return error_set(err, ERROR_BUSY, "too many failed logins: try again in %u seconds", wait_s);
}

static int login_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "password", NULL };
    char                     name[USER_NAME_MAX], password[PASSWORD_BYTES_MAX + 1];
    char                     hash[PASSWORD_HASH_MAX] = "";
    struct user              user = { 0 };

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(name, sizeof name, 1, request, "name", err) < 0 ||
        api_text(password, sizeof password, 1, request, "password", err) < 0 ||
        check_throttle(request, name, err) < 0)
        return -1;
    if (user_find_name(&user, request->web->db, name, err) == 0) {
        if (user_password_hash(hash, request->web->db, user.id, err) < 0)
            return -1;
    } else if (err->kind != ERROR_NOT_FOUND) {
        return -1;
    } else {
        memcpy(user.name, name, sizeof name); // for the throttle
    }
    request->user = user;
    request->forget = forget_hasher;
    return hasher_match(request->web->hasher, hash, password, login_checked, request, err);
}

static int logout_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 ||
        session_end(db, request->user.id, request->session.id, err) < 0 ||
        api_audit(request, "session.end", request->user.name, NULL, NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    guard_set_cookie(request, "");
    api_answer_nothing(request);
    return 0;
}

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
    struct session session = { 0 };
    json_t        *list = json_array();
    int            r;

    while ((r = session_next(&session, request->web->db, request->user.id, session.id,
                             api_now_unix_s(), err)) > 0)
        (void)json_array_append_new(list, session_json(&session, request->session.id));
    if (r < 0) {
        json_decref(list);
        return -1;
    }
    return api_answer(request, 200, json_pack("{s:o}", "sessions", list), err);
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
        transaction_commit(&transaction, err) < 0)
        return -1;
    return answer_session(request, err);
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

// That the invitation is good is asked before, so that nobody keeps the hasher busy without one.
static int join_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "invitation", "name", "password", NULL };
    struct invitation        invitation;
    char                     password[PASSWORD_BYTES_MAX + 1];

    if (api_check_fields(request, fields, err) < 0 ||
        find_invitation(&invitation, request, err) < 0 ||
        api_text(password, sizeof password, PASSWORD_BYTES_MIN, request, "password", err) < 0)
        return -1;
    request->forget = forget_hasher;
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
    if (!*hash || set_password(request, hash, &err) < 0 || answer_session(request, &err) < 0)
        api_answer_error(request, &err);
}

static void old_password_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct throttle    *throttle = request->web->throttle;
    const char         *password = json_string_value(json_object_get(request->body, "password"));
    struct error        err = { 0 };

    (void)hash;
    request->forget = NULL;
    if (!is_match) {
        throttle_failed(throttle, keys_of(request, request->user.name).account, api_now_unix_s());
        (void)error_set(&err, ERROR_DENIED, "the old password is wrong");
    } else if (hasher_make(request->web->hasher, password, password_hashed, request, &err) == 0) {
        request->forget = forget_hasher;
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
        check_throttle(request, request->user.name, err) < 0 ||
        user_password_hash(hash, request->web->db, request->user.id, err) < 0)
        return -1;
    request->forget = forget_hasher;
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
    { HTTP_POST, "/session", API_ANYBODY, TOKEN_READ, login_run, .body = API_JSON },
    { HTTP_DELETE, "/session", API_SESSION, TOKEN_READ, logout_run },
    { HTTP_POST, "/join", API_ANYBODY, TOKEN_READ, join_run, .body = API_JSON },
    { HTTP_GET, "/me", API_USER, TOKEN_READ, me_run },
    { HTTP_PUT, "/me/password", API_SESSION, TOKEN_READ, password_run, .body = API_JSON },
    { HTTP_GET, "/me/sessions", API_SESSION, TOKEN_READ, sessions_run },
    { HTTP_DELETE, "/me/sessions/#", API_SESSION, TOKEN_READ, session_end_run, API_OWN },
};

const struct route_table account_routes = { routes, ELEMENTS(routes) };
