// SPDX-License-Identifier: MIT
#include "web/api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "store/audit.h"
#include "web/guard.h"

#define PATH_MAX_BYTES 512u

static const struct route_table *const tables[] = { &account_routes, &user_routes };

void api_each_route(void (*show)(void *context, const struct route *route), void *context)
{
    for (size_t t = 0; t < ELEMENTS(tables); t++)
        for (size_t i = 0; i < tables[t]->n; i++)
            show(context, &tables[t]->routes[i]);
}

int64_t api_now_unix_s(void)
{
    return (int64_t)time(NULL);
}

void api_address(char ret[SESSION_ADDRESS_MAX], const struct api_request *request)
{
    const struct sockaddr     *peer = http_exchange_peer(request->exchange);
    const struct sockaddr_in  *v4 = (const void *)peer;
    const struct sockaddr_in6 *v6 = (const void *)peer;
    const void                *address =
        peer->sa_family == AF_INET6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr;

    if (!inet_ntop(peer->sa_family, address, ret, SESSION_ADDRESS_MAX))
        (void)snprintf(ret, SESSION_ADDRESS_MAX, "local");
}

// ---- answers ----------------------------------------------------------------------------------

int api_answer(struct api_request *request, int status, json_t *json, struct error *err)
{
    AUTO(freep) char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(json);
    if (!text)
        return error_set(err, ERROR_NO_SPACE, "there is no memory for the answer");
    http_exchange_answer(request->exchange, status, "application/json", text, strlen(text));
    return 0;
}

void api_answer_error(struct api_request *request, const struct error *err)
{
    static const char fallback[] = "{\"error\":{\"kind\":\"no-space\",\"message\":"
                                   "\"out of memory\",\"field\":null}}";
    struct error      ignored;
    json_t           *field = *request->field ? json_string(request->field) : json_null();
    json_t           *json =
        json_pack("{s:{s:s, s:s, s:o}}", "error", "kind", error_kind_info(err->kind)->word,
                  "message", err->message, "field", field);

    // Who may do it once he has said who he is, is asked to.
    bool is_unknown = err->kind == ERROR_DENIED && !request->user.id;
    int  status = request->status ? request->status
                  : is_unknown    ? 401
                                  : error_kind_info(err->kind)->http_status;

    if (api_answer(request, status, json, &ignored) < 0)
        http_exchange_answer(request->exchange, 503, "application/json", fallback,
                             sizeof fallback - 1);
}

json_t *api_user_json(const struct user *user)
{
    return json_pack("{s:I, s:s, s:s, s:b, s:b, s:b, s:I, s:o}", "id", (json_int_t)user->id, "name",
                     user->name, "role", role_word(user->role), "active", (int)user->is_active,
                     "password", (int)user->has_password, "totp", (int)user->has_totp, "created",
                     (json_int_t)user->created_unix_s, "login",
                     user->login_unix_s ? json_integer(user->login_unix_s) : json_null());
}

// ---- bodies -----------------------------------------------------------------------------------

static int about(struct api_request *request, const char *field)
{
    (void)snprintf(request->field, sizeof request->field, "%s", field); // of our own, short
    return -1;
}

int api_text(char *ret, size_t size, size_t min, struct api_request *request, const char *field,
             struct error *err)
{
    const json_t *value = json_object_get(request->body, field);
    const char   *text = json_string_value(value);
    size_t        n = json_string_length(value);

    if (!text) {
        (void)error_set(err, ERROR_INVALID, "'%s' must be a text", field);
        return about(request, field);
    }
    if (n < min || n >= size) {
        (void)error_set(err, ERROR_INVALID, "'%s' must have %zu to %zu bytes", field, min,
                        size - 1);
        return about(request, field);
    }
    for (size_t at = 0; at < n;) {
        size_t length = text_character(text + at, n - at);
        if (length == 0 || text_is_control(text + at, length)) {
            (void)error_set(err, ERROR_INVALID, "'%s' holds a control character", field);
            return about(request, field);
        }
        at += length;
    }
    memcpy(ret, text, n + 1);
    return 0;
}

int api_check_fields(struct api_request *request, const char *const *fields, struct error *err)
{
    const char *key;
    json_t     *value;

    json_object_foreach(request->body, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; fields[i]; i++)
            is_known = is_known || strcmp(fields[i], key) == 0;
        if (!is_known)
            return error_set(err, ERROR_INVALID, "the request holds a field that is not known");
    }
    return 0;
}

int api_query_number(int64_t *ret, struct api_request *request, const char *name, int64_t min,
                     int64_t max, int64_t fallback, struct error *err)
{
    char     text[24];
    uint64_t number;
    int      r =
        http_query_find(text, sizeof text, http_exchange_request(request->exchange)->query, name);

    *ret = fallback;
    if (r == 0)
        return 0;
    if (r > 0 && number_parse_u64(&number, text, (uint64_t)min, (uint64_t)max, err) == 0) {
        *ret = (int64_t)number;
        return 0;
    }
    (void)error_set(err, ERROR_INVALID, "'%s' must be a number from %lld to %lld", name,
                    (long long)min, (long long)max);
    return about(request, name);
}

static int parse_body(struct api_request *request, const char *bytes, size_t n, struct error *err)
{
    json_error_t why;

    if (!request->route->has_body)
        return n == 0 ? 0 : error_set(err, ERROR_INVALID, "such a request has no body");
    if (guard_check_type(http_exchange_request(request->exchange), err) < 0)
        return -1;
    request->body = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(request->body))
        return error_set(err, ERROR_INVALID, "the body is not a JSON object");
    return 0;
}

// ---- routes -----------------------------------------------------------------------------------

// Whether the path is of the route; takes the numbers out of it.
static bool matches(const struct route *route, const char *path, int64_t *parameters)
{
    const char  *pattern = route->path;
    size_t       n = 0;
    struct error ignored;

    for (; *pattern; pattern++) {
        char   digits[20];
        size_t n_digits = strspn(path, "0123456789");
        if (*pattern != '#') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        uint64_t number;
        if (n_digits == 0 || n_digits >= sizeof digits || n >= API_PARAMETERS_MAX)
            return false;
        memcpy(digits, path, n_digits);
        digits[n_digits] = '\0';
        if (number_parse_u64(&number, digits, 1, INT64_MAX, &ignored) < 0)
            return false;
        parameters[n++] = (int64_t)number;
        path += n_digits;
    }
    return !*path;
}

// The route; NULL, and whether another method would have one.
static const struct route *find_route(struct api_request *request, enum http_method method,
                                      const char *path, bool *ret_is_path)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;

    *ret_is_path = false;
    for (size_t t = 0; t < ELEMENTS(tables); t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct route *route = &tables[t]->routes[i];
            if (!matches(route, path, request->parameters))
                continue;
            if (route->method == wanted)
                return route;
            *ret_is_path = true;
        }
    return NULL;
}

// ---- what every request goes through -----------------------------------------------------------

static int check_access(struct api_request *request, struct error *err)
{
    enum api_access access = request->route->access;

    if (guard_identify(request, err) < 0 && access != API_ANYBODY)
        return -1;
    if (access == API_ADMIN && request->user.role != ROLE_ADMIN)
        return error_set(err, ERROR_DENIED, "only an admin may do this");
    return 0;
}

// Answers the error, and says whether there was one.
static bool fails(struct api_request *request, int r, const struct error *err)
{
    if (r < 0)
        api_answer_error(request, err);
    return r < 0;
}

static void answer_plain(struct api_request *request, int status, const char *kind,
                         const char *message)
{
    struct error ignored;

    if (api_answer(
            request, status,
            json_pack("{s:{s:s, s:s, s:n}}", "error", "kind", kind, "message", message, "field"),
            &ignored) < 0)
        http_exchange_abort(request->exchange);
}

static bool choose_route(struct api_request *request)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    char                       path[PATH_MAX_BYTES];
    bool                       is_path = false;

    if (http_path_decode(path, sizeof path, http->path) < 0) {
        answer_plain(request, 400, "invalid", "the address is not well-formed");
        return false;
    }
    if (strncmp(path, API_PREFIX "/", strlen(API_PREFIX) + 1) == 0)
        request->route = find_route(request, http->method, path + strlen(API_PREFIX), &is_path);
    if (!request->route && is_path)
        answer_plain(request, 405, "invalid", "this cannot be done with it");
    else if (!request->route)
        answer_plain(request, 404, "not-found", "there is nothing at this address");
    return request->route;
}

static size_t begin(void *context, struct http_exchange *exchange)
{
    struct api_request *request = calloc(1, sizeof *request);
    struct error        err = { 0 };

    *http_exchange_data(exchange) = request;
    if (!request) {
        http_exchange_abort(exchange);
        return 0;
    }
    request->web = context;
    request->exchange = exchange;
    guard_add_fields(exchange);
    // Whoever may not is told before he has sent it all.
    if (!choose_route(request) || fails(request, check_access(request, &err), &err) ||
        fails(request, guard_check_origin(request, &err), &err))
        return 0;
    return request->route->has_body ? API_BODY_MAX : 0;
}

static void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    struct api_request *request = *http_exchange_data(exchange);
    struct error        err = { 0 };

    (void)context;
    if (!fails(request, parse_body(request, body, n, &err), &err))
        (void)fails(request, request->route->run(request, &err), &err);
}

static void over(void *context, struct http_exchange *exchange)
{
    struct api_request *request = *http_exchange_data(exchange);

    (void)context;
    if (!request)
        return;
    if (request->forget)
        request->forget(request);
    json_decref(request->body);
    free(request);
}

const struct http_handler api_handler = { begin, run, over, NULL };

// ---- the log of changes ------------------------------------------------------------------------

int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *after, struct error *err)
{
    AUTO(freep) char  *text = after ? json_dumps(after, JSON_COMPACT) : NULL;
    char               address[SESSION_ADDRESS_MAX];
    struct timespec    now;
    struct audit_event event = { .user = request->user.id,
                                 .user_name = request->user.name,
                                 .origin = address,
                                 .action = action,
                                 .subject = subject,
                                 .after = text };

    json_decref(after);
    api_address(address, request);
    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    event.time_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
    return audit_add(request->web->db, &event, err);
}
