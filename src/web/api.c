// SPDX-License-Identifier: MIT
#include "web/api.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/hex.h"
#include "base/number.h"
#include "web/fields.h"
#include "web/guard.h"
#include "web/made.h"
#include "web/object.h"
#include "web/visit.h"

#define PATH_MAX_BYTES 512u

static const struct route_table *const tables[] = {
    &account_routes,     &blueprint_routes, &event_routes,  &file_routes,       &game_routes,
    &grant_routes,       &job_routes,       &login_routes,  &machine_routes,    &overlay_routes,
    &overlaytext_routes, &owner_routes,     &server_routes, &serverhost_routes, &player_routes,
    &setting_routes,     &token_routes,     &totp_routes,   &upload_routes,     &upper_routes,
    &user_routes,        &zip_routes,
};

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

int64_t api_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void api_address(char ret[SESSION_ADDRESS_MAX], const struct api_request *request)
{
    _Static_assert(SESSION_ADDRESS_MAX >= HTTP_ADDRESS_MAX, "an address fits");
    http_address_text(ret, &visit_of(request->exchange)->client);
}

// ---- bodies -----------------------------------------------------------------------------------

static int parse_json(struct api_request *request, struct error *err)
{
    json_error_t why;

    if (guard_check_type(http_exchange_request(request->exchange), err) < 0)
        return -1;
    request->body = json_loadb(request->bytes, request->n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(request->body))
        return error_set(err, ERROR_INVALID, "the body is not a JSON object");
    return 0;
}

static int parse_body(struct api_request *request, struct error *err)
{
    switch (request->route->body) {
    case API_EMPTY:
        if (request->n_bytes > 0)
            return error_set(err, ERROR_INVALID, "such a request has no body");
        return 0;
    case API_OPTIONAL:
        return request->n_bytes > 0 ? parse_json(request, err) : 0;
    case API_JSON:
        return parse_json(request, err);
    case API_BYTES:
    case API_BODIES:
        break;
    }
    return 0;
}

// ---- routes -----------------------------------------------------------------------------------

// Each takes its part of the path, and says where it ends. NULL: it is something else.
static const char *take_number(struct api_request *request, size_t n, const char *path)
{
    struct error ignored;
    char         digits[20];
    size_t       n_digits = strspn(path, "0123456789");
    uint64_t     number;

    if (n_digits == 0 || n_digits >= sizeof digits || n >= API_PARAMETERS_MAX)
        return NULL;
    memcpy(digits, path, n_digits);
    digits[n_digits] = '\0';
    if (number_parse_u64(&number, digits, 1, INT64_MAX, &ignored) < 0)
        return NULL;
    request->parameters[n] = (int64_t)number;
    return path + n_digits;
}

static const char *take_word(struct api_request *request, const char *path)
{
    if (strspn(path, HEX_DIGITS) != API_WORD_MAX - 1)
        return NULL;
    memcpy(request->word, path, API_WORD_MAX - 1);
    request->word[API_WORD_MAX - 1] = '\0';
    return path + API_WORD_MAX - 1;
}

// Whether the path is of the route; takes what is in it.
static bool matches(struct api_request *request, const struct route *route, const char *path)
{
    size_t n = 0;

    for (const char *pattern = route->path; path && *pattern; pattern++) {
        if (*pattern == '#')
            path = take_number(request, n++, path);
        else if (*pattern == '*')
            path = take_word(request, path);
        else
            path = *path == *pattern ? path + 1 : NULL;
    }
    return path && !*path;
}

// The route; NULL, and the methods that have one, as bits.
static const struct route *find_route(struct api_request *request, enum http_method method,
                                      const char *path, unsigned *ret_methods)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;

    *ret_methods = 0;
    for (size_t t = 0; t < ELEMENTS(tables); t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct route *route = &tables[t]->routes[i];
            if (!matches(request, route, path))
                continue;
            if (route->method == wanted)
                return route;
            *ret_methods |= 1u << route->method;
        }
    return NULL;
}

const char *api_method_word(enum http_method method)
{
    static const char *const words[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    };
    _Static_assert(ELEMENTS(words) == HTTP_METHODS, "every method has a word");

    return words[method];
}

// Source: RFC 9110, section 15.5.6: who is told that it cannot be done is told what can.
static void add_allowed(struct api_request *request, unsigned methods)
{
    char   text[64] = "";
    size_t n = 0;

    if (methods & 1u << HTTP_GET)
        methods |= 1u << HTTP_HEAD;
    for (int i = 0; i < HTTP_METHODS; i++)
        if (methods >> i & 1)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "",
                                  api_method_word((enum http_method)i)); // they fit
    http_exchange_add(request->exchange, "Allow", text);
}

// ---- what every request goes through -----------------------------------------------------------

static int check_scope(const struct api_request *request, struct error *err)
{
    const struct route *route = request->route;

    if (!request->token.id)
        return 0;
    if (route->access == API_SESSION)
        return error_set(err, ERROR_DENIED, "this wants a login: a token is not enough");
    if (request->token.scope < route->scope)
        return error_set(err, ERROR_DENIED, "the token is for '%s' alone: this wants '%s'",
                         token_scope_word(request->token.scope), token_scope_word(route->scope));
    return 0;
}

static int check_access(struct api_request *request, struct error *err)
{
    enum api_access access = request->route->access;

    // Who is not known may ask what anybody may; what has two meanings nobody may.
    if (guard_identify(request, err) < 0 && (access != API_ANYBODY || err->kind == ERROR_INVALID))
        return -1;
    if (access == API_ADMIN && request->user.role != ROLE_ADMIN)
        return error_set(err, ERROR_DENIED, "only an admin may do this");
    return check_scope(request, err);
}

static int check(struct api_request *request, struct error *err)
{
    return check_access(request, err) < 0 || guard_check_origin(request, err) < 0
               ? -1
               : object_load(request, err);
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
    unsigned                   methods = 0;

    if (http_path_decode(path, sizeof path, http->path) < 0) {
        answer_plain(request, 400, "invalid", "the address is not well-formed");
        return false;
    }
    if (strncmp(path, API_PREFIX "/", strlen(API_PREFIX) + 1) == 0)
        request->route = find_route(request, http->method, path + strlen(API_PREFIX), &methods);
    if (request->route)
        return true;
    if (methods)
        add_allowed(request, methods);
    answer_plain(request, methods ? 405 : 404, methods ? "invalid" : "not-found",
                 methods ? "this cannot be done with it" : "there is nothing at this address");
    return false;
}

// A body is the account's, by whatever address it comes; of who is not known, the address's.
static void set_holder(const struct api_request *request)
{
    const struct visit *visit = visit_of(request->exchange);
    uint64_t            address = throttle_of_address(request->web->throttle, &visit->client).hash;

    http_exchange_set_holder(request->exchange,
                             request->user.id ? (uint64_t)request->user.id : address);
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
    fields_add(exchange, FIELDS_DATA, visit_of(exchange)->is_secure);
    // Whoever may not is told before he has sent it all.
    if (!choose_route(request) || fails(request, check(request, &err), &err))
        return 0;
    if (request->route->body == API_EMPTY)
        return 0;
    set_holder(request);
    return request->route->body_max ? request->route->body_max : API_BODY_MAX;
}

static int run_route(struct api_request *request, struct error *err)
{
    // A body takes its time, an empty one too, and what he may do can have changed meanwhile.
    bool has_body = http_exchange_request(request->exchange)->has_body;
    if ((has_body && check(request, err) < 0) || parse_body(request, err) < 0)
        return -1;
    int r = made_before(request, err);
    return r != 0 ? MIN(r, 0) : request->route->run(request, err);
}

static void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    struct api_request *request = *http_exchange_data(exchange);
    struct error        err = { 0 };

    (void)context;
    request->bytes = body;
    request->n_bytes = n;
    (void)fails(request, run_route(request, &err), &err);
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
    object_forget(request);
    free(request);
}

static void more(void *context, struct http_exchange *exchange)
{
    struct api_request *request = *http_exchange_data(exchange);

    (void)context;
    if (request->more)
        request->more(request);
}

const struct http_handler api_handler = { begin, run, over, more };
