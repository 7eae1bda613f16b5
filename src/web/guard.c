// SPDX-License-Identifier: MIT
#include "web/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "web/visit.h"

// ---- cookies ----------------------------------------------------------------------------------

static bool is_secure(const struct api_request *request)
{
    return visit_of(request->exchange)->is_secure;
}

// With "__Host-" a browser takes it from nobody but this very host, by https.
static const char *cookie_name(const struct api_request *request)
{
    return is_secure(request) ? "__Host-" GUARD_COOKIE : GUARD_COOKIE;
}

void guard_set_cookie(struct api_request *request, const char *word)
{
    char        value[192];
    const char *secure = is_secure(request) ? "; Secure" : "";
    const char *age = *word ? "" : "; Max-Age=0";

    (void)snprintf(value, sizeof value, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                   cookie_name(request), word, secure, age); // it fits
    http_exchange_add(request->exchange, "Set-Cookie", value);
}

// The value of the one cookie of that name. False: there is none, or more than one.
static bool find_cookie(char ret[SECRET_WORD_MAX], struct http_text cookies, const char *name)
{
    size_t n_name = strlen(name);
    bool   is_found = false;

    for (size_t at = 0; at < cookies.n;) {
        const char *begin = cookies.bytes + at;
        const char *end = memchr(begin, ';', cookies.n - at);
        size_t      n = end ? (size_t)(end - begin) : cookies.n - at;
        at += n + 1;
        for (; n > 0 && *begin == ' '; begin++)
            n--;
        if (n <= n_name || memcmp(begin, name, n_name) != 0 || begin[n_name] != '=')
            continue;
        size_t n_value = n - n_name - 1;
        if (is_found || n_value >= SECRET_WORD_MAX)
            return false;
        memcpy(ret, begin + n_name + 1, n_value);
        ret[n_value] = '\0';
        is_found = true;
    }
    return is_found;
}

// ---- who it is --------------------------------------------------------------------------------

static int not_known(struct error *err)
{
    return error_set(err, ERROR_DENIED, "nobody is logged in: log in first");
}

// That he was here is written if nobody else writes: he does not wait for it.
static void see(struct api_request *request, int64_t now_unix_s)
{
    struct database *db = request->web->db;
    struct error     ignored;

    database_set_wait(db, 0);
    int r = request->token.id ? token_use(db, request->token.id, now_unix_s, &ignored)
                              : session_see(db, request->session.id, now_unix_s, &ignored);
    (void)r; // the next request does it
    database_set_wait(db, WEB_DB_WAIT_MS);
}

static int identify_session(struct api_request *request, const char *word, struct error *err)
{
    struct secret_hash hash;
    struct user        user;
    struct session     session;
    bool               is_stale = false;
    int64_t            now_unix_s = api_now_unix_s();

    if (secret_hash_word(&hash, SECRET_SESSION, word, err) < 0)
        return not_known(err);
    if (session_find(&session, &user, &is_stale, request->web->db, &hash, now_unix_s, err) < 0)
        return -1;
    request->user = user;
    request->session = session;
    if (is_stale)
        see(request, now_unix_s);
    return 0;
}

// What stands behind "Bearer ". Of another scheme, which may be meant for a proxy, it says nothing.
// Source: RFC 6750, section 2.1; the name of the scheme is not case-sensitive.
static struct http_text bearer_of(struct http_text text)
{
    static const char scheme[] = "Bearer ";
    size_t            n = sizeof scheme - 1;

    if (text.n <= n || strncasecmp(text.bytes, scheme, n) != 0)
        return (struct http_text){ 0 };
    return (struct http_text){ text.bytes + n, text.n - n };
}

static int copy_word(char ret[SECRET_WORD_MAX], struct http_text text, struct error *err)
{
    if (text.n >= SECRET_WORD_MAX)
        return error_set(err, ERROR_DENIED, "the token is not valid, or no longer");
    memcpy(ret, text.bytes, text.n);
    ret[text.n] = '\0';
    return 0;
}

static int identify_token(struct api_request *request, struct http_text text, struct error *err)
{
    struct secret_hash hash;
    struct user        user;
    struct token       token;
    char               word[SECRET_WORD_MAX];
    bool               is_stale = false;
    int64_t            now_unix_s = api_now_unix_s();

    if (copy_word(word, text, err) < 0 ||
        secret_hash_word(&hash, SECRET_API_TOKEN, word, err) < 0 ||
        token_find(&token, &user, &is_stale, request->web->db, &hash, now_unix_s, err) < 0)
        return -1;
    request->user = user;
    request->token = token;
    if (is_stale)
        see(request, now_unix_s);
    return 0;
}

int guard_identify(struct api_request *request, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct http_text           bearer = bearer_of(http->fields[HTTP_AUTHORIZATION]);
    char                       word[SECRET_WORD_MAX];
    bool has_cookie = find_cookie(word, http->fields[HTTP_COOKIE], cookie_name(request));

    request->user = (struct user){ 0 };
    request->session = (struct session){ 0 };
    request->token = (struct token){ 0 };
    if (has_cookie && bearer.bytes)
        return error_set(err, ERROR_INVALID,
                         "it comes with a cookie and a token: send one of them");
    if (bearer.bytes)
        return identify_token(request, bearer, err);
    return has_cookie ? identify_session(request, word, err) : not_known(err);
}

// ---- whether he means it -----------------------------------------------------------------------

static bool is_text(struct http_text text, const char *want)
{
    return text.n == strlen(want) && memcmp(text.bytes, want, text.n) == 0;
}

// "https://HOST", or "http://HOST" where there is no https.
static bool is_own_origin(const struct api_request *request, struct http_text origin)
{
    struct http_text host = http_exchange_request(request->exchange)->fields[HTTP_HOST];
    const char      *scheme = is_secure(request) ? "https://" : "http://";
    size_t           n = strlen(scheme);

    return host.n > 0 && origin.n == n + host.n && memcmp(origin.bytes, scheme, n) == 0 &&
           strncasecmp(origin.bytes + n, host.bytes, host.n) == 0;
}

int guard_check_origin(struct api_request *request, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct http_text           site = http->fields[HTTP_SEC_FETCH_SITE];
    struct http_text           origin = http->fields[HTTP_ORIGIN];

    // A token is sent by nobody who does not know it.
    if (http->method == HTTP_GET || http->method == HTTP_HEAD || request->token.id)
        return 0;
    if (site.bytes && !is_text(site, "same-origin"))
        return error_set(err, ERROR_DENIED, "the request comes from another page");
    if (origin.bytes ? is_own_origin(request, origin) : site.n > 0)
        return 0;
    return error_set(err, ERROR_DENIED, "the request does not say that it comes from this page");
}

int guard_check_type(const struct http_request *request, struct error *err)
{
    struct http_text type = request->fields[HTTP_CONTENT_TYPE];

    // What a form of another page can send is of other types.
    if (is_text(type, "application/json") || is_text(type, "application/json; charset=utf-8"))
        return 0;
    return error_set(err, ERROR_INVALID, "the body must be of the type application/json");
}
