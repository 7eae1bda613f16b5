// SPDX-License-Identifier: MIT
#include "http/request.h"

#include <assert.h>
#include <string.h>
#include "base/macros.h"
#include "base/text.h"

static const char *const methods[] = {
    [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
};
_Static_assert(ELEMENTS(methods) == HTTP_METHODS, "every method has a word");

static const char *const names[] = {
    [HTTP_ACCEPT] = "accept",
    [HTTP_ACCEPT_ENCODING] = "accept-encoding",
    [HTTP_AUTHORIZATION] = "authorization",
    [HTTP_CONNECTION] = "connection",
    [HTTP_CONTENT_ENCODING] = "content-encoding",
    [HTTP_CONTENT_LENGTH] = "content-length",
    [HTTP_CONTENT_RANGE] = "content-range",
    [HTTP_CONTENT_TYPE] = "content-type",
    [HTTP_COOKIE] = "cookie",
    [HTTP_EXPECT] = "expect",
    [HTTP_FORWARDED_FOR] = "x-forwarded-for",
    [HTTP_FORWARDED_PROTO] = "x-forwarded-proto",
    [HTTP_HOST] = "host",
    [HTTP_IDEMPOTENCY_KEY] = "idempotency-key",
    [HTTP_IF_MATCH] = "if-match",
    [HTTP_IF_NONE_MATCH] = "if-none-match",
    [HTTP_LAST_EVENT_ID] = "last-event-id",
    [HTTP_ORIGIN] = "origin",
    [HTTP_SEC_FETCH_SITE] = "sec-fetch-site",
    [HTTP_TRANSFER_ENCODING] = "transfer-encoding",
    [HTTP_USER_AGENT] = "user-agent",
};
_Static_assert(ELEMENTS(names) == HTTP_FIELDS, "every field has a name");

static int refuse(struct http_refusal *ret, int status, const char *reason)
{
    *ret = (struct http_refusal){ status, reason };
    return -1;
}

// ---- bytes ------------------------------------------------------------------------------------

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 9110, section 5.6.2.
static bool is_token(char c)
{
    return is_digit(c) || is_letter(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_of_value(char c)
{
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

// Without regard to case; `word` is in small letters.
static bool is_word(struct http_text text, const char *word)
{
    if (text.n != strlen(word))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (lower(text.bytes[i]) != word[i])
            return false;
    return true;
}

static struct http_text trim(struct http_text text)
{
    while (text.n > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.n--;
    }
    while (text.n > 0 && (text.bytes[text.n - 1] == ' ' || text.bytes[text.n - 1] == '\t'))
        text.n--;
    return text;
}

// ---- lines ------------------------------------------------------------------------------------

struct cursor {
    const char *bytes;
    size_t      at, n;
};

// Takes the next line, without its end. 0: it has no end yet.
static int take_line(struct http_text *ret, struct cursor *cursor, struct http_refusal *refusal)
{
    const char *begin = cursor->bytes + cursor->at;
    const char *end = memchr(begin, '\n', cursor->n - cursor->at);
    size_t      n = end ? (size_t)(end - begin) : cursor->n - cursor->at;
    const char *cr = memchr(begin, '\r', n);

    // A CR may be the last byte there is, its LF to come.
    if (cr && cr != begin + n - 1)
        return refuse(refusal, 400, "a line of the head holds a CR");
    if (!end)
        return 0;
    if (!cr)
        return refuse(refusal, 400, "a line of the head ends without a CR");
    *ret = (struct http_text){ begin, n - 1 };
    cursor->at += n + 1;
    return 1;
}

// ---- the request line -------------------------------------------------------------------------

static int take_method(struct http_request *request, struct http_text word,
                       struct http_refusal *refusal)
{
    for (size_t i = 0; i < word.n; i++)
        if (!is_token(word.bytes[i]))
            return refuse(refusal, 400, "the method is not well-formed");
    for (int i = 0; i < HTTP_METHODS; i++)
        if (word.n == strlen(methods[i]) && memcmp(word.bytes, methods[i], word.n) == 0) {
            request->method = (enum http_method)i;
            return 0;
        }
    return word.n ? refuse(refusal, 501, "the method is not known here")
                  : refuse(refusal, 400, "the method is missing");
}

// Only the form that is sent to a server itself, not to a proxy.
static int take_target(struct http_request *request, struct http_text word,
                       struct http_refusal *refusal)
{
    const char *question = word.n ? memchr(word.bytes, '?', word.n) : NULL;
    size_t      n_path = question ? (size_t)(question - word.bytes) : word.n;

    if (word.n > HTTP_TARGET_MAX)
        return refuse(refusal, 414, "the address is too long");
    for (size_t i = 0; i < word.n; i++)
        if (word.bytes[i] <= 0x20 || word.bytes[i] >= 0x7f || word.bytes[i] == '#')
            return refuse(refusal, 400, "the address holds a byte that must be encoded");
    if (word.n == 0 || word.bytes[0] != '/')
        return refuse(refusal, 400, "the address does not begin with a slash");
    request->path = (struct http_text){ word.bytes, n_path };
    request->query =
        (struct http_text){ question ? question + 1 : NULL, question ? word.n - n_path - 1 : 0 };
    return 0;
}

static int take_version(struct http_request *request, struct http_text word,
                        struct http_refusal *refusal)
{
    if (word.n != 8 || memcmp(word.bytes, "HTTP/", 5) != 0 || !is_digit(word.bytes[5]) ||
        word.bytes[6] != '.' || !is_digit(word.bytes[7]))
        return refuse(refusal, 400, "the version is not well-formed");
    request->is_http_1_0 = word.bytes[7] == '0';
    if (word.bytes[5] != '1' || word.bytes[7] > '1')
        return refuse(refusal, 505, "the version of HTTP is not known here");
    return 0;
}

// Cut at single spaces.
static int take_request_line(struct http_request *request, struct http_text line,
                             struct http_refusal *refusal)
{
    struct http_text words[3] = { 0 };
    size_t           n_words = 0;

    for (size_t at = 0; at <= line.n; n_words++) {
        const char *space = memchr(line.bytes + at, ' ', line.n - at);
        size_t      n = space ? (size_t)(space - line.bytes) - at : line.n - at;
        if (n_words == ELEMENTS(words))
            return refuse(refusal, 400, "the first line has more than three words");
        words[n_words] = (struct http_text){ line.bytes + at, n };
        at += n + 1;
    }
    if (take_method(request, words[0], refusal) < 0)
        return -1;
    if (n_words != ELEMENTS(words))
        return refuse(refusal, 400, "the first line has not three words");
    return take_target(request, words[1], refusal) < 0 ? -1
                                                       : take_version(request, words[2], refusal);
}

// ---- fields -----------------------------------------------------------------------------------

static int find_field(struct http_text name)
{
    for (int i = 0; i < HTTP_FIELDS; i++)
        if (is_word(name, names[i]))
            return i;
    return -1;
}

// A line that begins with a space, which would go on with the one before, has no name.
static int take_field(struct http_request *request, struct http_text line,
                      struct http_refusal *refusal)
{
    const char *colon = memchr(line.bytes, ':', line.n);
    size_t      n_name = colon ? (size_t)(colon - line.bytes) : 0;

    if (n_name == 0)
        return refuse(refusal, 400, "a field of the head has no name");
    for (size_t i = 0; i < n_name; i++)
        if (!is_token(line.bytes[i]))
            return refuse(refusal, 400, "the name of a field is not well-formed");
    for (size_t i = n_name; i < line.n; i++)
        if (!is_of_value(line.bytes[i]))
            return refuse(refusal, 400, "a field of the head holds a control byte");
    int field = find_field((struct http_text){ line.bytes, n_name });
    if (field < 0)
        return 0;
    if (request->fields[field].bytes && field != HTTP_FORWARDED_FOR)
        return refuse(refusal, 400, "a field is there twice that may be there once");
    request->fields[field] = trim((struct http_text){ colon + 1, line.n - n_name - 1 });
    return 0;
}

// ---- what the fields mean ---------------------------------------------------------------------

static bool has_field(const struct http_request *request, enum http_field field)
{
    return request->fields[field].bytes;
}

static int take_length(struct http_request *request, struct http_refusal *refusal)
{
    struct http_text text = request->fields[HTTP_CONTENT_LENGTH];
    uint64_t         length = 0;

    if (text.n == 0 || text.n > 19)
        return refuse(refusal, text.n ? 413 : 400, "the length of the body is not a number");
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.bytes[i]))
            return refuse(refusal, 400, "the length of the body is not a number");
        length = length * 10 + (uint64_t)(text.bytes[i] - '0'); // 19 digits fit
    }
    request->content_length = length;
    request->has_body = length > 0;
    return 0;
}

static int take_coding(struct http_request *request, struct http_refusal *refusal)
{
    if (has_field(request, HTTP_CONTENT_LENGTH))
        return refuse(refusal, 400, "the body has a length and is chunked as well");
    if (request->is_http_1_0)
        return refuse(refusal, 400, "a body of HTTP/1.0 cannot be chunked");
    if (!is_word(request->fields[HTTP_TRANSFER_ENCODING], "chunked"))
        return refuse(refusal, 501, "the only coding of a transfer known here is 'chunked'");
    request->is_chunked = request->has_body = true;
    return 0;
}

static int take_body(struct http_request *request, struct http_refusal *refusal)
{
    if (has_field(request, HTTP_TRANSFER_ENCODING) ? take_coding(request, refusal) < 0
        : has_field(request, HTTP_CONTENT_LENGTH)  ? take_length(request, refusal) < 0
                                                   : false)
        return -1;
    if (request->has_body && (request->method == HTTP_GET || request->method == HTTP_HEAD))
        return refuse(refusal, 400, "such a request has no body");
    if (has_field(request, HTTP_CONTENT_ENCODING))
        return refuse(refusal, 415, "the body must not be compressed");
    return 0;
}

// A name or an address with perhaps a port: nothing that is more than a host.
static int check_host(const struct http_request *request, struct http_refusal *refusal)
{
    struct http_text host = request->fields[HTTP_HOST];

    if (!host.bytes && request->is_http_1_0)
        return 0;
    if (host.n == 0 || host.n > 255)
        return refuse(refusal, 400, "the field Host is missing");
    for (size_t i = 0; i < host.n; i++)
        if (!is_letter(host.bytes[i]) && !is_digit(host.bytes[i]) &&
            !strchr(".-_:[]", host.bytes[i]))
            return refuse(refusal, 400, "the field Host is not well-formed");
    return 0;
}

// A list of words; those but two are of no meaning here.
static void take_connection(struct http_request *request)
{
    struct http_text list = request->fields[HTTP_CONNECTION];

    request->is_keep_alive = !request->is_http_1_0;
    for (size_t at = 0; at < list.n;) {
        const char      *comma = memchr(list.bytes + at, ',', list.n - at);
        size_t           n = comma ? (size_t)(comma - list.bytes) - at : list.n - at;
        struct http_text word = trim((struct http_text){ list.bytes + at, n });
        if (is_word(word, "close")) {
            request->is_keep_alive = false;
            return; // whatever else it says
        }
        request->is_keep_alive = request->is_keep_alive || is_word(word, "keep-alive");
        at += n + 1;
    }
}

static int take_expect(struct http_request *request, struct http_refusal *refusal)
{
    if (!has_field(request, HTTP_EXPECT))
        return 0;
    if (!is_word(request->fields[HTTP_EXPECT], "100-continue"))
        return refuse(refusal, 417, "what the request expects is not known here");
    request->expects_continue = request->has_body && !request->is_http_1_0;
    return 0;
}

static int take_meaning(struct http_request *request, struct http_refusal *refusal)
{
    if (check_host(request, refusal) < 0 || take_body(request, refusal) < 0)
        return -1;
    take_connection(request);
    return take_expect(request, refusal);
}

// ---- the whole --------------------------------------------------------------------------------

// 1: all fields and the empty line behind them were there.
static int take_fields(struct http_request *request, struct cursor *cursor,
                       struct http_refusal *refusal)
{
    struct http_text line;
    unsigned         n_fields = 0;
    int              r;

    while ((r = take_line(&line, cursor, refusal)) > 0 && line.n > 0) {
        if (++n_fields > HTTP_FIELDS_MAX)
            return refuse(refusal, 431, "the head has too many fields");
        if (take_field(request, line, refusal) < 0)
            return -1;
    }
    return r;
}

int http_request_parse(struct http_request *ret, struct http_refusal *ret_refusal,
                       const char *bytes, size_t n)
{
    struct http_request request = { 0 };
    struct cursor       cursor = { .bytes = bytes, .n = MIN(n, HTTP_REQUEST_MAX) };
    struct http_text    line = { 0 };
    int                 r = take_line(&line, &cursor, ret_refusal);

    if (r > 0)
        r = take_request_line(&request, line, ret_refusal);
    else if (r == 0 && cursor.n > HTTP_TARGET_MAX + 64)
        return refuse(ret_refusal, 414, "the address is too long");
    if (r < 0 || !line.bytes)
        return r;
    r = take_fields(&request, &cursor, ret_refusal);
    if (r == 0 && cursor.n == HTTP_REQUEST_MAX)
        return refuse(ret_refusal, 431, "the head is too long");
    if (r <= 0)
        return r;
    request.n_bytes = cursor.at;
    if (take_meaning(&request, ret_refusal) < 0)
        return -1;
    *ret = request;
    return 1;
}
