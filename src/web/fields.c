// SPDX-License-Identifier: MIT
#include "web/fields.h"

#include <assert.h>
#include <stdio.h>
#include "base/macros.h"

#define HSTS "max-age=31536000"

struct field {
    const char *name, *value;
};

static const struct field all[] = {
    { "Cross-Origin-Opener-Policy", "same-origin" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
    { "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
    { "Referrer-Policy", "no-referrer" },
    { "X-Content-Type-Options", "nosniff" },
    { "X-Frame-Options", "DENY" },
};

#define NOTHING                                                                                    \
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
#define OWN_ALONE                                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "                  \
    "form-action 'none'; frame-ancestors 'none'"

static const struct {
    const char *cache, *policy;
} kinds[] = {
    [FIELDS_DATA] = { "no-store", NOTHING },
    [FIELDS_PAGE] = { "no-cache", OWN_ALONE },
    [FIELDS_ASSET] = { "public, max-age=31536000, immutable", OWN_ALONE },
};
_Static_assert(ELEMENTS(kinds) == FIELDS_KINDS, "every kind has its fields");

void fields_add(struct http_exchange *exchange, enum fields_of kind, bool is_secure)
{
    http_exchange_add(exchange, "Cache-Control", kinds[kind].cache);
    http_exchange_add(exchange, "Content-Security-Policy", kinds[kind].policy);
    for (size_t i = 0; i < ELEMENTS(all); i++)
        http_exchange_add(exchange, all[i].name, all[i].value);
    if (is_secure)
        http_exchange_add(exchange, "Strict-Transport-Security", HSTS);
}

void fields_answer_error(struct http_exchange *exchange, int status, const char *kind,
                         const char *message)
{
    char text[256];
    int  n =
        snprintf(text, sizeof text,
                 "{\"error\":{\"kind\":\"%s\",\"message\":\"%s\",\"field\":null}}", kind, message);

    assert(n > 0 && (size_t)n < sizeof text);
    http_exchange_answer(exchange, status, "application/json", text, (size_t)n);
}
