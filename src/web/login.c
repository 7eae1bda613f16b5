// SPDX-License-Identifier: MIT
#include "web/login.h"

#include <string.h>
#include "web/attempt.h"
#include "web/guard.h"
#include "web/second.h"

#define AGENT_MAX 512u

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

int login_begin(struct api_request *request, struct error *err)
{
    char word[SECRET_WORD_MAX];

    if (begin_session(request, word, err) < 0)
        return -1;
    guard_set_cookie(request, word);
    return api_answer(request, 200, json_pack("{s:o}", "user", api_user_json(&request->user)), err);
}

// ---- logging in -------------------------------------------------------------------------------

// The same words for a name that nobody has, and no password.
static int check_user(const struct api_request *request, bool is_match, struct error *err)
{
    if (is_match && request->user.id && request->user.is_active)
        return 0;
    return error_set(err, ERROR_DENIED, "the name or the password is wrong");
}

// Hashing takes its time, and the user may be another one by now: with a new password, which ended
// all that was begun with the old one, or with a second factor.
static int read_again(struct api_request *request, const char *matched, bool *ret_is_same,
                      struct error *err)
{
    char hash[PASSWORD_HASH_MAX] = "";
    int  r = user_find(&request->user, request->web->db, request->user.id, err);

    if (r == 0)
        r = user_password_hash(hash, request->web->db, request->user.id, err);
    *ret_is_same = r == 0 && strcmp(hash, matched) == 0;
    return r < 0 && err->kind != ERROR_NOT_FOUND ? -1 : 0;
}

// That a code is wanted at all is told to whoever knows the password.
static int login_with(struct api_request *request, bool is_match, const char *hash,
                      struct error *err)
{
    if (is_match && read_again(request, hash, &is_match, err) < 0)
        return -1;
    int r = check_user(request, is_match, err);

    if (r == 0)
        r = second_check(request, &request->user, err);
    if (r < 0)
        return err->kind == ERROR_DENIED ? api_status(request, 401) : -1; // known or not
    attempt_succeeded(request, request->user.name);
    return login_begin(request, err);
}

static void login_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct error        err = { 0 };

    request->forget = NULL;
    if (attempt_check_again(request, request->user.name, &err) < 0) {
        api_answer_error(request, &err);
        return;
    }
    if (!is_match || !request->user.id || !request->user.is_active)
        attempt_failed(request, request->user.name);
    if (login_with(request, is_match, hash, &err) < 0)
        api_answer_error(request, &err);
}

void login_forget(struct api_request *request)
{
    hasher_forget(request->web->hasher, request);
}

static int login_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "password", "code", NULL };
    char                     name[USER_NAME_MAX], password[PASSWORD_BYTES_MAX + 1];
    char                     hash[PASSWORD_HASH_MAX] = "";
    struct user              user = { 0 };

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(name, sizeof name, 1, request, "name", err) < 0 ||
        api_text(password, sizeof password, 1, request, "password", err) < 0 ||
        second_check_form(request, err) < 0 || attempt_check(request, name, err) < 0)
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
    request->forget = login_forget;
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

static const struct route routes[] = {
    { HTTP_POST, "/session", API_ANYBODY, TOKEN_READ, login_run, .body = API_JSON },
    { HTTP_DELETE, "/session", API_SESSION, TOKEN_READ, logout_run },
};

const struct route_table login_routes = { routes, ELEMENTS(routes) };
