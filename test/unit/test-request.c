// SPDX-License-Identifier: MIT
#include "http/chunks.h"
#include "http/request.h"
#include "unit.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define END  "\r\n"

// Exact, so that a sanitizer sees a read behind it.
static int parse(struct http_request *ret, struct http_refusal *refusal, const void *bytes,
                 size_t n)
{
    AUTO(freep) char *copy = malloc(n + !n);

    memcpy(copy, bytes, n);
    int r = http_request_parse(ret, refusal, copy, n);
    if (r < 0) {
        assert_non_null(refusal->reason);
        assert_in_range(refusal->status, 400, 505);
    }
    return r;
}

// ---- what passes ------------------------------------------------------------------------------

static bool is(struct http_text text, const char *want)
{
    return want ? text.bytes && text.n == strlen(want) && memcmp(text.bytes, want, text.n) == 0
                : !text.bytes;
}

static void test_a_request(void **state)
{
    static const char   text[] = "POST /api/v1/servers?limit=5&x HTTP/1.1\r\n"
                                 "hOsT: [2001:db8::1]:8080\r\n"
                                 "Content-Type:\t application/json \t\r\n"
                                 "X-Unknown: \xc3\xa4\r\nX-Unknown: twice\r\n"
                                 "Cookie: a=b; c=d\r\n"
                                 "Content-Length: 007\r\n"
                                 "Expect: 100-Continue\r\n"
                                 "Connection: TE, close , x\r\n"
                                 "Origin:\r\n"
                                 "\r\n{\"a\":1}";
    struct http_request request;
    struct http_refusal refusal;

    (void)state;
    assert_int_equal(http_request_parse(&request, &refusal, text, sizeof text - 1), 1);
    assert_int_equal(request.method, HTTP_POST);
    assert_true(is(request.path, "/api/v1/servers"));
    assert_true(is(request.query, "limit=5&x"));
    assert_true(is(request.fields[HTTP_HOST], "[2001:db8::1]:8080"));
    assert_true(is(request.fields[HTTP_CONTENT_TYPE], "application/json"));
    assert_true(is(request.fields[HTTP_COOKIE], "a=b; c=d"));
    assert_true(is(request.fields[HTTP_ORIGIN], ""));
    assert_true(is(request.fields[HTTP_AUTHORIZATION], NULL));
    assert_int_equal(request.content_length, 7);
    assert_true(request.has_body && !request.is_chunked && request.expects_continue);
    assert_false(request.is_keep_alive || request.is_http_1_0);
    assert_string_equal(text + request.n_bytes, "{\"a\":1}");
    // Of every beginning only more is wanted.
    for (size_t n = 0; n < request.n_bytes; n++) {
        struct http_request none;
        if (parse(&none, &refusal, text, n) != 0)
            fail_msg("%zu: %s", n, refusal.reason);
    }
}

static void test_whether_it_goes_on(void **state)
{
    static const struct {
        const char *text;
        bool        want;
    } cases[] = {
        { GET END, true },
        { GET "Connection: close\r\n" END, false },
        { GET "Connection: keep-alive\r\n" END, true },
        { GET "Connection: keep-alive, CLOSE\r\n" END, false },
        { GET "Connection: closed\r\n" END, true },
        { "GET / HTTP/1.0\r\n" END, false },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END, true },
        { "GET / HTTP/1.0\r\nConnection: ,\r\n" END, false },
    };
    struct http_request request;
    struct http_refusal refusal;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (parse(&request, &refusal, cases[i].text, strlen(cases[i].text)) != 1 ||
            request.is_keep_alive != cases[i].want)
            fail_msg("%zu", i);
}

// ---- what does not ----------------------------------------------------------------------------

static const struct {
    const char    *name;
    const uint8_t *bytes;
    size_t         n_bytes;
    int            status;
} refused[] = {
    { "length twice, equal", BYTES(POST "Content-Length: 3\r\nContent-Length: 3\r\n" END), 400 },
    { "length twice", BYTES(POST "Content-Length: 3\r\nContent-Length: 5\r\n" END), 400 },
    { "length in a list", BYTES(POST "Content-Length: 3, 3\r\n" END), 400 },
    { "length and coding", BYTES(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END),
      400 },
    { "coding and length", BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" END),
      400 },
    { "plus", BYTES(POST "Content-Length: +5\r\n" END), 400 },
    { "minus", BYTES(POST "Content-Length: -5\r\n" END), 400 },
    { "hexadecimal", BYTES(POST "Content-Length: 0x5\r\n" END), 400 },
    { "no length", BYTES(POST "Content-Length:\r\n" END), 400 },
    { "space in length", BYTES(POST "Content-Length: 1 2\r\n" END), 400 },
    { "length beyond all", BYTES(POST "Content-Length: 99999999999999999999\r\n" END), 413 },
    { "another coding", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n" END), 501 },
    { "nearly chunked", BYTES(POST "Transfer-Encoding: xchunked\r\n" END), 501 },
    { "chunked twice", BYTES(POST "Transfer-Encoding: chunked, chunked\r\n" END), 501 },
    { "identity", BYTES(POST "Transfer-Encoding: identity\r\n" END), 501 },
    { "no coding", BYTES(POST "Transfer-Encoding:\r\n" END), 501 },
    { "coding with a control byte",
      BYTES(POST "Transfer-Encoding: \x0b"
                 "chunked\r\n" END),
      400 },
    { "coding twice",
      BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" END), 400 },
    { "coding of 1.0", BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END), 400 },
    { "LF alone", BYTES("GET / HTTP/1.1\nHost: a\n\n"), 400 },
    { "LF in between", BYTES("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"), 400 },
    { "LF at the end", BYTES(GET "\n"), 400 },
    { "CR in a value", BYTES(GET "X: b\rY: c\r\n" END), 400 },
    { "CR CR LF", BYTES(GET "X: b\r\r\n" END), 400 },
    { "NUL in a value", BYTES(GET "X: b\0c\r\n" END), 400 },
    { "NUL in a name", BYTES(GET "X\0: b\r\n" END), 400 },
    { "NUL in the address", BYTES("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
    { "no name", BYTES(GET ": b\r\n" END), 400 },
    { "no colon", BYTES(GET "nothing\r\n" END), 400 },
    { "space before the colon", BYTES(GET "X : b\r\n" END), 400 },
    { "tab before the colon", BYTES(POST "Content-Length\t: 3\r\n" END), 400 },
    { "a folded line", BYTES(GET "X: b\r\n c\r\n" END), 400 },
    { "a folded first line", BYTES("GET / HTTP/1.1\r\n Host: a\r\n" END), 400 },
    { "a name in quotes", BYTES(GET "\"X\": b\r\n" END), 400 },
    { "a control byte", BYTES(GET "X: \x01\r\n" END), 400 },
    { "DEL", BYTES(GET "X: \x7f\r\n" END), 400 },
    { "no host", BYTES("GET / HTTP/1.1\r\n" END), 400 },
    { "an empty host", BYTES("GET / HTTP/1.1\r\nHost:\r\n" END), 400 },
    { "two hosts", BYTES(GET "Host: b\r\n" END), 400 },
    { "two hosts alike", BYTES(GET "HOST: a\r\n" END), 400 },
    { "a host with a path", BYTES("GET / HTTP/1.1\r\nHost: a/b\r\n" END), 400 },
    { "a host with a user", BYTES("GET / HTTP/1.1\r\nHost: a@b\r\n" END), 400 },
    { "hosts", BYTES("GET / HTTP/1.1\r\nHost: a, b\r\n" END), 400 },
    { "a byte in the method", BYTES("GE(T / HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a control byte in it", BYTES("G\x01T / HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "small letters", BYTES("get / HTTP/1.1\r\nHost: a\r\n" END), 501 },
    { "another method", BYTES("TRACE / HTTP/1.1\r\nHost: a\r\n" END), 501 },
    { "CONNECT", BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n" END), 501 },
    { "no method", BYTES(" / HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "an empty line first", BYTES("\r\n" GET END), 400 },
    { "two spaces", BYTES("GET  / HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a space at the end", BYTES("GET / HTTP/1.1 \r\nHost: a\r\n" END), 400 },
    { "a space in the address", BYTES("GET /a b HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "tabs", BYTES("GET\t/\tHTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a control byte in the address", BYTES("GET /\x01 HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a byte of eight bits there", BYTES("GET /\xff HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a fragment", BYTES("GET /#a HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a whole URL", BYTES("GET http://b/ HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "a star", BYTES("GET * HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "no address", BYTES("GET HTTP/1.1\r\nHost: a\r\n" END), 400 },
    { "1.2", BYTES("GET / HTTP/1.2\r\nHost: a\r\n" END), 505 },
    { "2.0", BYTES("GET / HTTP/2.0\r\nHost: a\r\n" END), 505 },
    { "0.9", BYTES("GET /\r\n" END), 400 },
    { "more behind it", BYTES("GET / HTTP/1.1x\r\nHost: a\r\n" END), 400 },
    { "http", BYTES("GET / http/1.1\r\nHost: a\r\n" END), 400 },
    { "1,1", BYTES("GET / HTTP/1,1\r\nHost: a\r\n" END), 400 },
    { "a body of GET", BYTES(GET "Content-Length: 3\r\n" END), 400 },
    { "a chunked one", BYTES(GET "Transfer-Encoding: chunked\r\n" END), 400 },
    { "compressed", BYTES(POST "Content-Length: 3\r\nContent-Encoding: gzip\r\n" END), 415 },
    { "expecting more", BYTES(POST "Content-Length: 3\r\nExpect: 200-ok\r\n" END), 417 },
};

static void test_refusals(void **state)
{
    struct http_request request;
    struct http_refusal refusal;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        memset(&refusal, 0, sizeof refusal);
        int r = parse(&request, &refusal, refused[i].bytes, refused[i].n_bytes);
        if (r != -1 || refusal.status != refused[i].status)
            fail_msg("%s: %d %d %s", refused[i].name, r, refusal.status, refusal.reason);
    }
}

// Nobody waits for the end of what is too long.
static void test_limits(void **state)
{
    static const struct {
        const char *begin;
        char        filler;
        int         status;
    } cases[] = {
        { "G", 'E', 414 },
        { "GET /", 'a', 414 },
        { GET "X: ", 'a', 431 },
    };
    static char         text[HTTP_REQUEST_MAX + 100];
    struct http_request request;
    struct http_refusal refusal;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        size_t n = strlen(cases[i].begin);
        memcpy(text, cases[i].begin, n);
        memset(text + n, cases[i].filler, sizeof text - n);
        assert_int_equal(parse(&request, &refusal, text, 2000), 0);
        assert_int_equal(parse(&request, &refusal, text, sizeof text), -1);
        assert_int_equal(refusal.status, cases[i].status);
    }
    FILE *many = fmemopen(text, sizeof text, "w");
    fputs(GET, many);
    for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++)
        fputs("x:\r\n", many);
    (void)fflush(many);
    size_t n = (size_t)ftell(many);
    memcpy(text + n, "\r\nx:\r\n", 6);
    assert_int_equal(parse(&request, &refusal, text, n + 2), 1);
    memcpy(text + n, "x:\r\n\r\n", 6);
    assert_int_equal(parse(&request, &refusal, text, n + 6), -1);
    assert_int_equal(refusal.status, 431);
    (void)fclose(many);
}

// ---- addresses --------------------------------------------------------------------------------

static void test_paths(void **state)
{
    static const struct {
        const char *path, *want; // NULL: refused
    } cases[] = {
        { "/", "/" },
        { "/a/b/", "/a/b/" },
        { "/a%20b/%C3%A4", "/a b/\xc3\xa4" },
        { "/a+b", "/a+b" },
        { "/...", "/..." },
        { "/a%2fb", NULL },
        { "/a%5cb", NULL },
        { "/a\\b", NULL },
        { "/a%00b", NULL },
        { "/a%0ab", NULL },
        { "/%c2%85", NULL },
        { "/%ff", NULL },
        { "/%c0%ae", NULL },
        { "/%", NULL },
        { "/%2", NULL },
        { "/%zz", NULL },
        { "//a", NULL },
        { "/a//b", NULL },
        { "/./a", NULL },
        { "/a/.", NULL },
        { "/a/../b", NULL },
        { "/a/..", NULL },
        { "/%2e%2e/a", NULL },
        { "/.%2e", NULL },
        { "/%252e%252e", "/%2e%2e" }, // decoded once, and never again
        { "a", NULL },
        { "", NULL },
        { "/0123456789abcdef", NULL }, // too long for what it is written to
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char path[16];
        int  r = http_path_decode(path, sizeof path,
                                  (struct http_text){ cases[i].path, strlen(cases[i].path) });
        if ((r == 0) != !!cases[i].want || (r == 0 && strcmp(path, cases[i].want) != 0))
            fail_msg("%s", cases[i].path);
    }
}

static void test_queries(void **state)
{
    static const struct {
        const char *query;
        int         want;
        const char *value;
    } cases[] = {
        { "a=1", 1, "1" },
        { "b=2&a=1&c", 1, "1" },
        { "%61=%31+%2b", 1, "1 +" },
        { "a", 1, "" },
        { "a=", 1, "" },
        { "a=b=c", 1, "b=c" },
        { "", 0, NULL },
        { "aa=1&=1&&A=2", 0, NULL },
        { "a=1&a=1", -1, NULL },
        { "a=%", -1, NULL },
        { "a=%00", -1, NULL },
        { "a=%ff", -1, NULL },
        { "a=0123456789abcdef", -1, NULL },
        { "%=1&a%=1", 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char             value[16] = "";
        struct http_text query = { cases[i].query, strlen(cases[i].query) };
        if (http_query_find(value, sizeof value, query, "a") != cases[i].want ||
            (cases[i].value && strcmp(value, cases[i].value) != 0))
            fail_msg("%s", cases[i].query);
    }
}

// ---- chunks -----------------------------------------------------------------------------------

// In steps of `step` bytes; the body, as it comes together. -1 as soon as it is refused.
static int take_all(char *ret, const char *text, size_t step, size_t *ret_used)
{
    struct http_chunks chunks = { 0 };
    size_t             n = strlen(text), at = 0, n_body = 0;
    int                r = 0;

    while (at < n && r == 0) {
        size_t            piece_at, n_piece, used, n_given = MIN(step, n - at);
        AUTO(freep) char *given = malloc(n_given);
        memcpy(given, text + at, n_given);
        r = http_chunks_take(&chunks, given, n_given, &piece_at, &n_piece, &used);
        if (r < 0)
            return -1;
        memcpy(ret + n_body, given + piece_at, n_piece);
        n_body += n_piece;
        at += used;
    }
    ret[n_body] = '\0';
    *ret_used = at;
    return r;
}

static void test_chunks(void **state)
{
    static const struct {
        const char *text, *body; // NULL: refused
        int         want;
    } cases[] = {
        { "3\r\nabc\r\n0\r\n\r\n", "abc", 1 },
        { "1\r\na\r\n00A\r\n0123456789\r\n0\r\n\r\nGET", "a0123456789", 1 },
        { "0\r\n\r\n", "", 1 },
        { "3\r\nab", "ab", 0 },
        { "3\r\nabc\r\n", "abc", 0 },
        { "-1\r\nabc", NULL, -1 },
        { "+3\r\nabc", NULL, -1 },
        { "0x3\r\nabc", NULL, -1 },
        { "3 \r\nabc", NULL, -1 },
        { " 3\r\nabc", NULL, -1 },
        { "3\nabc", NULL, -1 },
        { "3\r\rabc", NULL, -1 },
        { "\r\nabc", NULL, -1 },
        { "3;a=b\r\nabc", NULL, -1 },
        { "000000003\r\nabc", NULL, -1 },
        { "fffffffffffffffff\r\n", NULL, -1 },
        { "3\r\nabcX", NULL, -1 },
        { "3\r\nabc\r0", NULL, -1 },
        { "3\r\nabc\n", NULL, -1 },
        { "0\r\nX: y\r\n\r\n", NULL, -1 },
        { "0\r\n\n", NULL, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        for (size_t step = 1; step < 40; step++) {
            char   body[64];
            size_t used = 0;
            int    r = take_all(body, cases[i].text, step, &used);
            if (r != cases[i].want || (cases[i].body && strcmp(body, cases[i].body) != 0))
                fail_msg("'%s' by %zu: %d %s", cases[i].text, step, r, body);
            if (r == 1 && strcmp(cases[i].text + used, "GET") != 0)
                assert_int_equal(used, strlen(cases[i].text));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request), cmocka_unit_test(test_whether_it_goes_on),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_queries),
        cmocka_unit_test(test_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
