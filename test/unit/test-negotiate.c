// SPDX-License-Identifier: MIT
#include "http/negotiate.h"
#include "unit.h"

#include "base/macros.h"

// Exact, so that a sanitizer sees a read behind it.
static struct http_text text_of(const char *text, char **ret_copy)
{
    size_t n = strlen(text);

    *ret_copy = malloc(n + !n);
    memcpy(*ret_copy, text, n);
    return (struct http_text){ *ret_copy, n };
}

static void test_weights(void **state)
{
    static const struct {
        const char *list;
        int         want;
    } cases[] = {
        { "", -1 },
        { "gzip", 1000 },
        { "GZip", 1000 },
        { "xgzip, gzipx", -1 },
        { "br, gzip;q=0.5", 500 },
        { "br,gzip ; q=0.25", 250 },
        { "gzip; x=y;Q=1.000", 1000 },
        { "gzip;q=0", 0 },
        { "gzip;q=0.000", 0 },
        { "gzip;q=0.001", 1 },
        { "gzip;q=1.001", 0 },
        { "gzip;q=2", 0 },
        { "gzip;q=0.", 0 },
        { "gzip;q=.5", 0 },
        { "gzip;q=0.1234", 0 },
        { "gzip;q=-1", 0 },
        { "gzip;q=", 1000 },
        { "gzip;;;", 1000 },
        { ",,gzip,,", 1000 },
        { ";q=0.1,\tgzip;q=0.9", 900 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep) char *copy = NULL;
        int               weight = http_weight(text_of(cases[i].list, &copy), "gzip");
        if (weight != cases[i].want)
            fail_msg("'%s': %d", cases[i].list, weight);
    }
    assert_int_equal(http_weight((struct http_text){ 0 }, "gzip"), -1);
}

static void test_codings(void **state)
{
    enum { P = 1 << HTTP_PLAIN, G = 1 << HTTP_GZIP, B = 1 << HTTP_BROTLI };
    static const struct {
        const char      *list;
        unsigned         there;
        enum http_coding want;
    } cases[] = {
        { "", G | B, HTTP_PLAIN },
        { "gzip, deflate, br, zstd", P | G | B, HTTP_BROTLI },
        { "gzip, deflate, br, zstd", G, HTTP_GZIP },
        { "gzip, deflate, br, zstd", P, HTTP_PLAIN },
        { "gzip, br;q=0.9", G | B, HTTP_GZIP },
        { "gzip;q=0.5, identity", G | B, HTTP_PLAIN },
        { "gzip;q=0.5, identity;q=0.5", G | B, HTTP_GZIP },
        { "gzip;q=0, br;q=0", G | B, HTTP_PLAIN },
        { "*", G | B, HTTP_BROTLI },
        { "*;q=0", G | B, HTTP_PLAIN },
        { "br;q=0, *", G | B, HTTP_GZIP },
        { "identity;q=0, gzip;q=0.001", G, HTTP_GZIP },
        { "identity;q=0", G | B, HTTP_PLAIN },
        { "x-gzip", G | B, HTTP_PLAIN },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep) char *copy = NULL;
        int coding = (int)http_choose_coding(text_of(cases[i].list, &copy), cases[i].there);
        if (coding != (int)cases[i].want)
            fail_msg("'%s': %s", cases[i].list, http_coding_word((enum http_coding)coding));
    }
    assert_int_equal(http_choose_coding((struct http_text){ 0 }, G | B), HTTP_PLAIN);
}

static void test_pages(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool        want;
    } cases[] = {
        { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true },
        { "*/*", false },
        { "", false },
        { "text/*", false },
        { "image/avif,text/html;q=0.1", true },
        { "text/html;q=0", false },
        { "text/htmlx", false },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep) char *copy = NULL;
        if (http_accepts_page(text_of(cases[i].accept, &copy)) != cases[i].want)
            fail_msg("'%s'", cases[i].accept);
    }
}

static void test_tags(void **state)
{
    static const struct {
        const char *list;
        bool        want;
    } cases[] = {
        { "\"a1\"", true },
        { "W/\"a1\"", true },
        { "\"b\", \"a1\"", true },
        { "\"b\" ,W/\"c\"", false },
        { "*", true },
        { "", false },
        { "a1", false },
        { "\"a1", false },
        { "\"a12\"", false },
        { "w/\"a1\"", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(freep) char *copy = NULL;
        if (http_has_tag(text_of(cases[i].list, &copy), "\"a1\"") != cases[i].want)
            fail_msg("'%s'", cases[i].list);
    }
    assert_false(http_has_tag((struct http_text){ 0 }, "\"a1\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
