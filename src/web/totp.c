// SPDX-License-Identifier: MIT

// totp: one's own second factor: beginning, confirming and removing it.

#include <sodium.h>
#include <stdio.h>
#include "base/base32.h"
#include "store/totp.h"
#include "web/attempt.h"
#include "web/guard.h"
#include "web/login.h"
#include "web/totpcode.h"

#define URI_MAX 256u

static int totp_run(struct api_request *request, struct error *err)
{
    unsigned n_left = 0;

    if (user_recovery_count(&n_left, request->web->db, request->user.id, err) < 0)
        return -1;
    return api_answer(request, 200,
                      json_pack("{s:b, s:I}", "enabled", (int)request->user.has_totp,
                                "recovery_codes", (json_int_t)n_left),
                      err);
}

// ---- beginning --------------------------------------------------------------------------------

// Source: the key URI format of Google Authenticator. A user name has no characters that would have
// to be written in another way.
static json_t *begun_json(const struct api_request *request, const struct user_totp *totp)
{
    char secret[BASE32_SIZE(TOTP_SECRET_BYTES)], uri[URI_MAX];

    base32_encode(secret, totp->bytes, totp->n);
    (void)snprintf(uri, sizeof uri, "otpauth://totp/left4me:%s?secret=%s&issuer=left4me",
                   request->user.name, secret); // it fits
    json_t *json = json_pack("{s:s, s:s}", "secret", secret, "uri", uri);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(uri, sizeof uri);
    return json;
}

// It counts when its first code was right: until then he can log in without.
static int begin_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct user_totp                          totp = { .n = TOTP_SECRET_BYTES };

    if (request->user.has_totp)
        return error_set(err, ERROR_EXISTS, "you have a second factor: remove it first");
    randombytes_buf(totp.bytes, totp.n);
    if (transaction_begin(&transaction, db, err) < 0 ||
        user_totp_begin(db, request->user.id, &request->web->key, &totp, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    json_t *json = begun_json(request, &totp);
    sodium_memzero(&totp, sizeof totp);
    return api_answer(request, 200, json, err);
}

// ---- confirming -------------------------------------------------------------------------------

static int wrong(struct api_request *request, struct error *err)
{
    attempt_failed(request, request->user.name);
    (void)error_set(
        err, ERROR_INVALID,
        "the code is wrong: is the clock of your telephone, or of this machine, right?");
    return api_about(request, "code");
}

static int check_first(int64_t *ret_step, struct api_request *request, const char *code,
                       struct error *err)
{
    struct user_totp totp;

    if (user_totp_begun(&totp, request->web->db, request->user.id, &request->web->key, err) < 0)
        return -1;
    bool is_right = totp_check(ret_step, totp.bytes, totp.n, code, api_now_unix_s());
    sodium_memzero(&totp, sizeof totp);
    return is_right ? 0 : wrong(request, err);
}

// Shown this once. Takes nothing, gives a list of words, and their hashes.
static json_t *make_codes(struct secret_hash hashes[USER_RECOVERY_CODES])
{
    json_t *list = json_array();
    char    word[SECRET_WORD_MAX];

    for (size_t i = 0; i < USER_RECOVERY_CODES; i++) {
        secret_make(word, &hashes[i], SECRET_RECOVERY);
        if (json_array_append_new(list, json_string(word)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    sodium_memzero(word, sizeof word);
    return list;
}

static int confirm(struct api_request *request, int64_t step,
                   const struct secret_hash hashes[USER_RECOVERY_CODES], struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 ||
        user_totp_confirm(db, request->user.id, step, hashes, err) < 0 ||
        api_audit(request, "user.totp", request->user.name, json_pack("{s:b}", "totp", 0),
                  json_pack("{s:b}", "totp", 1), err) < 0)
        return -1;
    return api_commit(request, &transaction, err);
}

static int confirm_with(struct api_request *request, const char *code, struct error *err)
{
    struct secret_hash hashes[USER_RECOVERY_CODES];
    int64_t            step = 0;

    if (check_first(&step, request, code, err) < 0)
        return -1;
    json_t *codes = make_codes(hashes);
    if (!codes)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (confirm(request, step, hashes, err) == 0)
        return api_answer(request, 200, json_pack("{s:o}", "recovery_codes", codes), err);
    json_decref(codes);
    return -1;
}

// Of the password, which whoever takes it away is asked for as well: whether it was right, and he
// is still logged in, for hashing takes its time.
static int check_password(struct api_request *request, bool is_match, struct error *err)
{
    if (attempt_check_again(request, request->user.name, err) < 0)
        return -1;
    if (is_match)
        return guard_identify(request, err);
    attempt_failed(request, request->user.name);
    (void)error_set(err, ERROR_DENIED, "the password is wrong");
    return api_about(request, "password");
}

static void confirm_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct error        err = { 0 };

    (void)hash;
    request->forget = NULL;
    if (check_password(request, is_match, &err) < 0 ||
        confirm_with(request, json_string_value(json_object_get(request->body, "code")), &err) < 0)
        api_answer_error(request, &err);
}

static int match_password(struct api_request *request, hasher_done done, struct error *err)
{
    char password[PASSWORD_BYTES_MAX + 1], hash[PASSWORD_HASH_MAX];

    if (api_text(password, sizeof password, 1, request, "password", err) < 0 ||
        attempt_check(request, request->user.name, err) < 0 ||
        user_password_hash(hash, request->web->db, request->user.id, err) < 0)
        return -1;
    request->forget = login_forget;
    return hasher_match(request->web->hasher, hash, password, done, request, err);
}

// Whoever finds a browser that is logged in does not lock its owner out.
static int confirm_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "code", "password", NULL };
    char                     code[TOTP_DIGITS + 1];

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(code, sizeof code, TOTP_DIGITS, request, "code", err) < 0)
        return -1;
    return match_password(request, confirm_checked, err);
}

// ---- removing ---------------------------------------------------------------------------------

static int remove_it(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;

    if (transaction_begin(&transaction, db, err) < 0 ||
        user_totp_remove(db, request->user.id, err) < 0 ||
        api_audit(request, "user.totp", request->user.name, json_pack("{s:b}", "totp", 1),
                  json_pack("{s:b}", "totp", 0), err) < 0)
        return -1;
    return api_commit(request, &transaction, err);
}

static void remove_checked(void *context, bool is_match, const char *hash)
{
    struct api_request *request = context;
    struct error        err = { 0 };

    (void)hash;
    request->forget = NULL;
    if (check_password(request, is_match, &err) < 0 || remove_it(request, &err) < 0)
        api_answer_error(request, &err);
    else
        api_answer_nothing(request);
}

// Whoever finds a browser that is logged in does not take it away.
static int remove_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "password", NULL };

    return api_check_fields(request, fields, err) < 0
               ? -1
               : match_password(request, remove_checked, err);
}

static const struct route routes[] = {
    { HTTP_GET, "/me/totp", API_SESSION, TOKEN_READ, totp_run },
    { HTTP_POST, "/me/totp", API_SESSION, TOKEN_READ, begin_run },
    { HTTP_PUT, "/me/totp", API_SESSION, TOKEN_READ, confirm_run, .body = API_JSON },
    { HTTP_DELETE, "/me/totp", API_SESSION, TOKEN_READ, remove_run, .body = API_JSON },
};

const struct route_table totp_routes = { routes, ELEMENTS(routes) };
