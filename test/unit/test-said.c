// SPDX-License-Identifier: MIT
#include "work/said.h"
#include "unit.h"

// What comes of the lines of a text: "output|error|note: TEXT", "N %", each on a line; then the
// result.
static void take(char *ret, size_t size, const char *text)
{
    struct said said = { 0 };
    size_t      used = 0;

    *ret = '\0';
    for (const char *at = text; *at && used < size;) {
        struct said_line line;
        size_t           n = strcspn(at, "\n");
        said_take(&line, &said, at, n);
        if (line.kind == SAID_TEXT)
            used += (size_t)snprintf(ret + used, size - used, "%s: %.*s\n",
                                     job_stream_word(line.stream), (int)line.n_text, line.text);
        else if (line.kind == SAID_PROGRESS)
            used += (size_t)snprintf(ret + used, size - used, "%d %%\n", line.percent);
        said_line_done(&line);
        at += n + (at[n] == '\n' ? 1 : 0);
    }
    AUTO(freep) char *last = said.last ? json_dumps(said.last, JSON_COMPACT) : NULL;
    if (used < size)
        (void)snprintf(ret + used, size - used, "%s", last ? last : "nothing");
    said_done(&said);
}

static void test_lines(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "nothing" },
        { "plain\n\n", "output: plain\noutput: \nnothing" },
        { "{\"stream\": \"stdout\", \"text\": \"a\"}\n{\"stream\": \"stderr\", \"text\": \"b\"}\n",
          "output: a\nerror: b\nnothing" },
        { "{\"progress\": 12, \"text\": \"x\"}\n{\"progress\": 1000}\n{\"progress\": -5}\n",
          "12 %\n100 %\n0 %\nnothing" },
        { "{\"progress\": \"x\"}\n", "{\"progress\":\"x\"}" },
        { "{\"a\": 1}\n", "{\"a\":1}" },
        { "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "{\"a\":{\"b\":1}}" },
        { "{\n  \"a\": 1\n}\nand on\n", "output: and on\n{\"a\":1}" },
        { "{\n  \"a\": \n}\nand on\n", "output: and on\nnothing" },
        { "{\"a\": 1}\n{\"a\": 2}\n", "note: {\"a\":1}\n{\"a\":2}" },
        { "{\"overlay\": 3, \"error\": {\"kind\": \"failed\", \"message\": \"no\"}}\n{\"error\": "
          "{\"kind\": \"failed\", \"message\": \"1 was not built\"}}\n",
          "error: no\n{\"error\":{\"kind\":\"failed\",\"message\":\"1 was not built\"}}" },
        { "{broken\n", "output: {broken\nnothing" },
        { "[1]\n\"text\"\n", "output: [1]\noutput: \"text\"\nnothing" },
        { "{\"text\": \"no stream\"}\n", "{\"text\":\"no stream\"}" },
    };
    char got[1024];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        take(got, sizeof got, cases[i].text);
        assert_string_equal(got, cases[i].want);
    }
}

// A document that does not come to its end costs no more than it may.
static void test_no_end(void **state)
{
    struct said      said = { 0 };
    struct said_line line;

    (void)state;
    said_take(&line, &said, "{", 1);
    for (unsigned i = 0; i < SAID_DOCUMENT_MAX / 8 + 2; i++) {
        said_take(&line, &said, "  \"x\": 1", 8);
        said_line_done(&line);
        assert_true(said.lines.n <= SAID_DOCUMENT_MAX + 16);
    }
    said_take(&line, &said, "{\"a\": 1}", 8);
    said_line_done(&line);
    assert_non_null(said.last);
    said_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines),
                                        cmocka_unit_test(test_no_end) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
