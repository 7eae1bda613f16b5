// SPDX-License-Identifier: MIT
#include "web/fields.h"

#include <assert.h>
#include <stdio.h>
#include "base/macros.h"

// Whole lines, since they go with every answer.
#define ALL                                                                                        \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n"         \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "X-Frame-Options: DENY\r\n"
#define SECURE "Strict-Transport-Security: max-age=31536000\r\n"

#define NOTHING                                                                                    \
    "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; "           \
    "frame-ancestors 'none'; sandbox\r\n"
#define OWN_ALONE                                                                                  \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "           \
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "             \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"

static const char *const lines[] = {
    [FIELDS_DATA] = "Cache-Control: no-store\r\n" NOTHING                               ALL,
    [FIELDS_PAGE] = "Cache-Control: no-cache\r\n" OWN_ALONE                             ALL,
    [FIELDS_ASSET] = "Cache-Control: public, max-age=31536000, immutable\r\n" OWN_ALONE ALL,
};
_Static_assert(ELEMENTS(lines) == FIELDS_KINDS, "every kind has its fields");

void fields_add(struct http_exchange *exchange, enum fields_of kind, bool is_secure)
{
    http_exchange_add_lines(exchange, lines[kind]);
    if (is_secure)
        http_exchange_add_lines(exchange, SECURE);
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
