// SPDX-License-Identifier: MIT
#include "web/attempt.h"

#include <stdio.h>
#include "web/visit.h"

struct keys {
    struct throttle_key address, account;
};

static struct keys keys_of(const struct api_request *request, const char *name)
{
    const struct throttle *throttle = request->web->throttle;

    return (struct keys){ throttle_of_address(throttle, &visit_of(request->exchange)->client),
                          throttle_of_account(throttle, name) };
}

static int check(struct api_request *request, const struct keys *keys, int64_t now_unix_s,
                 struct error *err)
{
    const struct throttle *throttle = request->web->throttle;
    unsigned               wait_s = MAX(throttle_wait_s(throttle, keys->address, now_unix_s),
                                        throttle_wait_s(throttle, keys->account, now_unix_s));
    char                   text[16];

    if (wait_s == 0)
        return 0;
    (void)snprintf(text, sizeof text, "%u", wait_s); // it fits
    http_exchange_add(request->exchange, "Retry-After", text);
    (void)error_set(err, ERROR_BUSY, "too many failed logins: try again in %u seconds", wait_s);
    return api_status(request, 429);
}

int attempt_check(struct api_request *request, const char *name, struct error *err)
{
    const struct throttle *throttle = request->web->throttle;
    const struct keys      keys = keys_of(request, name);
    int64_t                now_unix_s = api_now_unix_s();

    request->has_waited = throttle_is_known(throttle, keys.address, now_unix_s) ||
                          throttle_is_known(throttle, keys.account, now_unix_s);
    return check(request, &keys, now_unix_s, err);
}

int attempt_check_again(struct api_request *request, const char *name, struct error *err)
{
    const struct keys keys = keys_of(request, name);

    return request->has_waited ? check(request, &keys, api_now_unix_s(), err) : 0;
}

void attempt_failed(struct api_request *request, const char *name)
{
    struct keys keys = keys_of(request, name);
    int64_t     now_unix_s = api_now_unix_s();

    throttle_failed(request->web->throttle, keys.address, now_unix_s);
    throttle_failed(request->web->throttle, keys.account, now_unix_s);
}

void attempt_succeeded(struct api_request *request, const char *name)
{
    throttle_succeeded(request->web->throttle, keys_of(request, name).account);
}
