// SPDX-License-Identifier: MIT
#include "web/visit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/macros.h"

uint64_t visit_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // it is always there
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// No two have the same, also of two processes one after the other; that somebody guesses one does
// no harm.
static void set_id(char ret[VISIT_ID_MAX], struct visits *visits)
{
    if (visits->number++ == 0)
        visits->process = randombytes_random();
    (void)snprintf(ret, VISIT_ID_MAX, "%08x%08x", visits->process, visits->number); // it fits
}

static void copy_path(char ret[VISIT_PATH_MAX], struct http_text path)
{
    size_t n = MIN(path.n, VISIT_PATH_MAX - 1);

    if (n > 0) // a head that was refused has none
        memcpy(ret, path.bytes, n);
    ret[n] = '\0';
}

// ---- whether it is by https --------------------------------------------------------------------

static bool is_word(struct http_text text, const char *word)
{
    return text.n == strlen(word) && strncasecmp(text.bytes, word, text.n) == 0;
}

// Whether the host of a request is the machine itself, as its own browser and curl call it: nobody
// is in between, and there is no https.
static bool is_loopback(struct http_text host)
{
    static const char *const names[] = { "127.0.0.1", "[::1]", "localhost" };

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        size_t n = strlen(names[i]);
        if (host.n >= n && strncasecmp(host.bytes, names[i], n) == 0 &&
            (host.n == n || host.bytes[n] == ':'))
            return true;
    }
    return false;
}

static void set_scheme(struct visit *visit, const struct http_request *request,
                       const struct visits *visits)
{
    struct http_text proto =
        visit->is_proxied ? request->fields[HTTP_FORWARDED_PROTO] : (struct http_text){ 0 };

    visit->is_exposed = visits->is_secure && is_word(proto, "http");
    visit->is_secure =
        is_word(proto, "https") || (visits->is_secure && !is_loopback(request->fields[HTTP_HOST]));
}

// ---- the whole --------------------------------------------------------------------------------

struct visit *visit_begin(struct http_exchange *exchange, struct visits *visits)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct visit              *visit = calloc(1, sizeof *visit);

    *http_exchange_visit(exchange) = visit;
    if (!visit)
        return NULL;
    visit->begun_us = visit_now_us();
    visit->method = request->method;
    copy_path(visit->path, request->path);
    http_address_of(&visit->peer, http_exchange_peer(exchange));
    visit->is_proxied = http_proxies_have(&visits->proxies, &visit->peer);
    http_address_client(&visit->client, &visits->proxies, &visit->peer,
                        request->fields[HTTP_FORWARDED_FOR]);
    set_scheme(visit, request, visits);
    set_id(visit->id, visits);
    http_exchange_add(exchange, "X-Request-Id", visit->id);
    return visit;
}

struct visit *visit_end(struct visit *visit)
{
    free(visit);
    return NULL;
}

struct visit *visit_of(struct http_exchange *exchange)
{
    return *http_exchange_visit(exchange);
}
