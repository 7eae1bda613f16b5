// SPDX-License-Identifier: MIT

// fuzz-request: the head of a request and a chunked body. What passes is within its bytes, is the
// same whatever follows it, has no end before its end, and its path stays below the root.

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "http/address.h"
#include "http/chunks.h"
#include "http/negotiate.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_text(struct http_text text, const char *bytes, size_t n)
{
    if (!text.bytes)
        return;
    assert(text.bytes >= bytes && text.n <= n && (size_t)(text.bytes - bytes) <= n - text.n);
    assert(!memchr(text.bytes, '\r', text.n) && !memchr(text.bytes, '\n', text.n) &&
           !memchr(text.bytes, '\0', text.n));
}

static void check_target(const struct http_request *request)
{
    char path[HTTP_TARGET_MAX + 1], value[64];

    if (http_path_decode(path, sizeof path, request->path) == 0)
        assert(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//"));
    if (http_query_find(value, sizeof value, request->query, "a") == 1)
        assert(memchr(value, '\0', sizeof value));
}

static void check_wishes(const struct http_request *request)
{
    struct http_text codings = request->fields[HTTP_ACCEPT_ENCODING];
    unsigned         there = (unsigned)(request->n_bytes & 7u);
    int              chosen = (int)http_choose_coding(codings, there);

    assert(chosen == HTTP_PLAIN || (there & 1u << chosen));
    assert(http_weight(codings, "gzip") <= 1000);
    static const struct http_proxies proxies = { .networks = { { .bits = 1 } }, .n = 1 };
    struct http_address              client, peer = { 0 };
    char                             text[HTTP_ADDRESS_MAX];
    http_address_client(&client, &proxies, &peer, request->fields[HTTP_FORWARDED_FOR]);
    http_address_text(text, &client);
    (void)http_accepts_page(request->fields[HTTP_ACCEPT]);
    (void)http_has_tag(request->fields[HTTP_IF_NONE_MATCH], "\"a\"");
}

static void check(const struct http_request *request, const char *bytes)
{
    struct http_request other;
    struct http_refusal refusal;

    assert(request->n_bytes <= HTTP_REQUEST_MAX);
    assert(memcmp(bytes + request->n_bytes - 4, "\r\n\r\n", 4) == 0);
    assert(!(request->is_chunked && request->content_length));
    for (int i = 0; i < HTTP_FIELDS; i++)
        check_text(request->fields[i], bytes, request->n_bytes);
    check_text(request->path, bytes, request->n_bytes);
    check_text(request->query, bytes, request->n_bytes);
    check_target(request);
    check_wishes(request);
    assert(http_request_parse(&other, &refusal, bytes, request->n_bytes) == 1);
    assert(other.n_bytes == request->n_bytes);
    assert(http_request_parse(&other, &refusal, bytes, request->n_bytes - 1) == 0);
}

// Byte by byte it is the same as in one piece.
static void check_chunks(const char *bytes, size_t n)
{
    struct http_chunks whole = { 0 }, single = { 0 };
    size_t             at = 0, n_whole = 0, n_single = 0, piece_at, n_piece, used = 0;
    int                r = 0, s = 0;

    while (at < n && r == 0) {
        r = http_chunks_take(&whole, bytes + at, n - at, &piece_at, &n_piece, &used);
        assert(r < 0 || (used <= n - at && piece_at + n_piece <= used));
        n_whole += n_piece;
        at += used;
    }
    for (size_t i = 0; i < n && s == 0; i++) {
        s = http_chunks_take(&single, bytes + i, 1, &piece_at, &n_piece, &used);
        n_single += n_piece;
    }
    assert(r == s && (r < 0 || n_whole == n_single));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct http_request request;
    struct http_refusal refusal = { 0 };
    char               *text = malloc(n_bytes + !n_bytes); // exact

    memcpy(text, bytes, n_bytes);
    int r = http_request_parse(&request, &refusal, text, n_bytes);
    if (r > 0)
        check(&request, text);
    else if (r < 0)
        assert(refusal.status >= 400 && refusal.reason);
    else
        assert(n_bytes < HTTP_REQUEST_MAX);
    check_chunks(text, n_bytes);
    free(text);
    return 0;
}
