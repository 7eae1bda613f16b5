// SPDX-License-Identifier: MIT
#pragma once

// request: the head of an HTTP/1.1 request, read strictly.
//
// Two programs that read one request in two ways can be played off against each other. So whatever
// the standard lets a reader be lenient about is refused here: line ends without CR, folded lines,
// spaces around names, control bytes, what is there twice and may be there once, a length that is
// no plain number, any transfer coding but "chunked" alone, and both a length and a coding. A head
// that passes has one meaning.
//
// Nothing is copied or changed: everything in a `struct http_request` is borrowed from the bytes
// that were parsed.
//
// Source: RFC 9110 and RFC 9112.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_MAX 16384u // bytes, its empty line included
#define HTTP_TARGET_MAX  4096u
#define HTTP_FIELDS_MAX  64u

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_METHODS,
};

// The fields that mean something here; each may be there once, but the list of X-Forwarded-For, to
// which some proxies add a line of their own: the last one is the one that counts. All others are
// passed over.
enum http_field {
    HTTP_ACCEPT,
    HTTP_ACCEPT_ENCODING,
    HTTP_AUTHORIZATION,
    HTTP_CONNECTION,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_LENGTH,
    HTTP_CONTENT_RANGE,
    HTTP_CONTENT_TYPE,
    HTTP_COOKIE,
    HTTP_EXPECT,
    HTTP_FORWARDED_FOR,
    HTTP_FORWARDED_PROTO,
    HTTP_HOST,
    HTTP_IDEMPOTENCY_KEY,
    HTTP_IF_MATCH,
    HTTP_IF_NONE_MATCH,
    HTTP_LAST_EVENT_ID,
    HTTP_ORIGIN,
    HTTP_SEC_FETCH_SITE,
    HTTP_TRANSFER_ENCODING,
    HTTP_USER_AGENT,
    HTTP_FIELDS,
};

struct http_text {
    const char *bytes; // NULL: it is not there
    size_t      n;
};

struct http_request {
    enum http_method method;
    struct http_text path;  // as it was sent: see http_path_decode()
    struct http_text query; // behind the '?'
    struct http_text fields[HTTP_FIELDS];
    size_t           n_bytes;        // of the head; what is behind is of the body
    uint64_t         content_length; // 0 if it has none
    bool             has_body;       // of that length, or chunked
    bool             is_chunked;
    bool             is_keep_alive;    // the client wants to ask more
    bool             expects_continue; // and waits before it sends the body
    bool             is_http_1_0;
};

// What is said to a client whose head does not pass.
struct http_refusal {
    int         status; // of HTTP: 400, 411, 413, 414, 417, 431, 501, 505
    const char *reason; // one sentence
};

// 1: there is a whole head, 0: more of it is to come, -1: it is refused, and the connection with
// it. `n` may be anything; more than HTTP_REQUEST_MAX bytes are never asked for.
int http_request_parse(struct http_request *ret, struct http_refusal *ret_refusal,
                       const char *bytes, size_t n);

// ---- the target -------------------------------------------------------------------------------

// Writes the path without percent signs, NUL-terminated. It is refused (-1) if anything in it could
// be taken for something else: a decoded slash, backslash or control byte, a "." or ".." or empty
// part, a lonely '%', or bytes that are not UTF-8.
int http_path_decode(char *ret, size_t size, struct http_text path);

// The value of the parameter `name`, decoded, NUL-terminated: 1, 0: there is none, -1: it is there
// twice, too long, or not well-formed.
int http_query_find(char *ret, size_t size, struct http_text query, const char *name);
