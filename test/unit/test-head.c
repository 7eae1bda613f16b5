// SPDX-License-Identifier: MIT
#include "workshop/head.h"
#include <inttypes.h>
#include "unit.h"
#include "workshop/backoff.h"
#include "workshop/say.h"

#define LINES_MAX 4

static void take(struct head *head, const char *line, size_t n)
{
    AUTO(freep) char *copy = malloc(n + !n); // exact, so that a sanitizer sees a read behind it

    memcpy(copy, line, n);
    head_take_line(head, copy, n);
}

static void test_heads(void **state)
{
    static const struct {
        const char *lines[LINES_MAX];
        bool        has_range;
        uint64_t    from, total_bytes;
        const char *validator;
    } cases[] = {
        { { "HTTP/1.1 200 OK\r\n", "Content-Type: x\r\n", "\r\n" }, false, 0, UINT64_MAX, "" },
        { { "ETag: \"abc\"\r\n" }, false, 0, UINT64_MAX, "\"abc\"" },
        { { "etag:\"abc\"  \r\n" }, false, 0, UINT64_MAX, "\"abc\"" },
        { { "ETag: W/\"abc\"\r\n" }, false, 0, UINT64_MAX, "" },
        { { "ETag: abc\r\n" }, false, 0, UINT64_MAX, "" },
        { { "ETag: \"a\x01\"\r\n" }, false, 0, UINT64_MAX, "" },
        { { "ETag: \"\xc3\xa4\"\r\n" }, false, 0, UINT64_MAX, "" },
        { { "ETagged: \"abc\"\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Last-Modified: Mon\r\n" }, false, 0, UINT64_MAX, "Mon" },
        { { "Last-Modified: Mon\r\n", "ETag: \"a\"\r\n" }, false, 0, UINT64_MAX, "\"a\"" },
        { { "ETag: \"a\"\r\n", "Last-Modified: Mon\r\n" }, false, 0, UINT64_MAX, "\"a\"" },
        { { "ETag: \"a\"\r\n", "ETag: \"b\"\r\n" }, false, 0, UINT64_MAX, "\"b\"" },
        { { "ETag: \"a\"\r\n", "HTTP/1.1 206 Partial\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5-9/10\r\n" }, true, 5, 10, "" },
        { { "content-range:BYTES 0-0/*" }, true, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5-9/9\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5-4/10\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes */10\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5/10-9\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5-9\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: lines 5-9/10\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes -5-9/10\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 5- 9/10\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 0-99999999999999999999/*\r\n" }, false, 0, UINT64_MAX, "" },
        { { "Content-Range: bytes 1-2/10\r\n", "HTTP/1.1 200\r\n" }, false, 0, UINT64_MAX, "" },
        { { "\r\n", "", ":", "::" }, false, 0, UINT64_MAX, "" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct head head = HEAD_NONE;
        for (size_t j = 0; j < LINES_MAX && cases[i].lines[j]; j++)
            take(&head, cases[i].lines[j], strlen(cases[i].lines[j]));
        if (head.has_range != cases[i].has_range || head.from != cases[i].from ||
            head.total_bytes != cases[i].total_bytes ||
            strcmp(head.validator, cases[i].validator) != 0)
            fail_msg("case %zu: from %" PRIu64 " of %" PRIu64 ", '%s'", i, head.from,
                     head.total_bytes, head.validator);
    }
}

static void test_limits(void **state)
{
    char        line[HEAD_LINE_MAX + 2] = "ETag: \"";
    struct head head = HEAD_NONE;

    (void)state;
    memset(line + 7, 'x', sizeof line - 7);
    line[6 + HEAD_VALIDATOR_MAX - 2] = '"';
    take(&head, line, 6 + HEAD_VALIDATOR_MAX - 1);
    assert_int_equal(strlen(head.validator), HEAD_VALIDATOR_MAX - 1);

    head = HEAD_NONE;
    take(&head, line, 6 + HEAD_VALIDATOR_MAX);
    assert_string_equal(head.validator, "");

    take(&head, line, HEAD_LINE_MAX + 1);
    take(&head, "ETag: \"a\0b\"", 11);
    assert_string_equal(head.validator, "");
}

static void test_backoff(void **state)
{
    static const struct backoff backoff = { 1000, 60000 };
    static const struct {
        uint32_t n_failures, random, want;
    } cases[] = {
        { 1, 0, 1000 },
        { 1, 500, 500 },
        { 1, 501, 1000 },
        { 2, 0, 2000 },
        { 3, 0, 4000 },
        { 6, 0, 32000 },
        { 7, 0, 60000 },
        { 7, 30000, 30000 },
        { UINT32_MAX, 0, 60000 },
        { 0, 0, 1000 },
        { 1, UINT32_MAX, 1000 - UINT32_MAX % 501 },
    };
    static const struct backoff none = { 0, 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(backoff_ms(&backoff, cases[i].n_failures, cases[i].random), cases[i].want);
    assert_int_equal(backoff_ms(&none, 5, 77), 0);
}

static void test_sizes_in_words(void **state)
{
    static const struct {
        unsigned long long bytes;
        const char        *want;
    } cases[] = {
        { 0, "0 bytes" },
        { 1023, "1023 bytes" },
        { 1024, "1.0 KiB" },
        { 1536, "1.5 KiB" },
        { (1 << 20) - 1, "1.0 MiB" },
        { 1 << 20, "1.0 MiB" },
        { 20ull << 30, "20.0 GiB" },
        { UINT64_MAX, "16.0 EiB" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char text[SAY_BYTES_MAX];
        assert_string_equal(say_bytes(text, cases[i].bytes), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_sizes_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
