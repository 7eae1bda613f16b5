// SPDX-License-Identifier: MIT
#include "web/second.h"

#include <sodium.h>
#include <string.h>
#include "store/totp.h"
#include "web/attempt.h"
#include "web/totpcode.h"

int second_check_form(struct api_request *request, struct error *err)
{
    char code[SECOND_CODE_MAX];

    return api_has(request, "code") ? api_text(code, sizeof code, 1, request, "code", err) : 0;
}

static int denied(struct api_request *request, const char *why, struct error *err)
{
    (void)error_set(err, ERROR_DENIED, "%s", why);
    (void)api_status(request, 401);
    return api_about(request, "code");
}

static int use_code(struct api_request *request, const struct user *user, const char *code,
                    struct error *err)
{
    struct database *db = request->web->db;
    struct user_totp totp;
    int64_t          step = 0;

    if (user_totp_find(&totp, db, user->id, &request->web->key, err) < 0)
        return -1;
    bool is_right = totp_check(&step, totp.bytes, totp.n, code, api_now_unix_s());
    sodium_memzero(totp.bytes, sizeof totp.bytes);
    return is_right ? user_totp_use(db, user->id, step, err)
                    : error_set(err, ERROR_DENIED, "the code is wrong");
}

static int use_recovery(struct api_request *request, const struct user *user, const char *code,
                        struct error *err)
{
    struct database   *db = request->web->db;
    struct secret_hash hash;

    return secret_hash_word(&hash, SECRET_RECOVERY, code, err) < 0 ||
                   user_recovery_use(db, user->id, &hash, err) < 0
               ? -1
               : api_audit(request, "user.recovery", user->name, NULL, NULL, err);
}

static int use(struct api_request *request, const struct user *user, const char *code,
               struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    bool is_of_telephone = strspn(code, "0123456789") == strlen(code);

    if (transaction_begin(&transaction, request->web->db, err) < 0 ||
        (is_of_telephone ? use_code(request, user, code, err)
                         : use_recovery(request, user, code, err)) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

int second_check(struct api_request *request, const struct user *user, struct error *err)
{
    const char *code = json_string_value(json_object_get(request->body, "code"));

    if (!user->has_totp)
        return 0;
    if (!code)
        return denied(request, "a code of your second factor is wanted as well", err);
    if (use(request, user, code, err) == 0)
        return 0;
    if (err->kind != ERROR_DENIED)
        return -1;
    attempt_failed(request, user->name);
    (void)api_status(request, 401);
    return api_about(request, "code");
}
