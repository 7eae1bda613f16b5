// SPDX-License-Identifier: MIT
#include "unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include "build/stream.h"

// What comes out of an outlet whose stream is fed with the bytes, `chunk` at a time.
static void run(char *ret, size_t n_ret, const char *bytes, size_t n, size_t chunk, int64_t step_ms)
{
    int                  ends[2];
    static struct outlet outlet;
    static struct stream stream;
    int64_t              now_ms = 1000;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
    outlet_init(&outlet, ends[1], 1000000, 1000000);
    stream_init(&stream, &outlet, LEVEL_INFO);
    for (size_t at = 0; at < n; at += chunk, now_ms += step_ms)
        stream_feed(&stream, bytes + at, MIN(chunk, n - at), now_ms);
    stream_finish(&stream);
    outlet_flush(&outlet);
    (void)close(ends[1]);
    ssize_t got = fd_read_up_to(ends[0], ret, n_ret - 1);
    assert_true(got >= 0);
    ret[got] = '\0';
    (void)close(ends[0]);
}

static const struct {
    const char    *name;
    const uint8_t *bytes;
    size_t         n_bytes;
    const char    *want;
} cases[] = {
    { "nothing", BYTES(""), "" },
    { "lines", BYTES("one\ntwo\n"), "<6>one\n<6>two\n" },
    { "a last line without its end", BYTES("one\ntwo"), "<6>one\n<6>two\n" },
    { "empty lines", BYTES("\n\none\n\n\r\n\r\r\n"), "<6>one\n" },
    { "ends of another system", BYTES("one\r\ntwo\r\n"), "<6>one\n<6>two\n" },
    { "a priority", BYTES("<0>one\n<3>two"), "<6><0>one\n<6><3>two\n" },
    { "control bytes", BYTES("a\x1b[31mb\0c\x7f\x01\td\n"), "<6>a?[31mb?c??\td\n" },
    { "broken UTF-8", BYTES("\xff\xc3\xa4\xc3\n"), "<6>?\xc3\xa4?\n" },
    { "a bar that ends", BYTES("1 %\r 50 %\r100 %\ndone\n"), "<6>100 %\n<6>done\n" },
    { "a bar that is left", BYTES("1 %\r 50 %\r100 %\r"), "<6>100 %\n" },
    { "a bar that begins its lines so", BYTES("\r 1 %\r 50 %\r100 %\n"), "<6>100 %\n" },
    { "a line over a bar", BYTES("1 %\rdone\n"), "<6>done\n" },
};

static void test_lines(void **state)
{
    char text[256];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const char *bytes = (const char *)cases[i].bytes;
        // In no time, so that the bar is not due in between; at first it is, at once.
        for (size_t chunk = cases[i].n_bytes + 1; chunk > 0; chunk--) {
            run(text, sizeof text, bytes, cases[i].n_bytes, chunk, 0);
            bool is_whole = chunk >= cases[i].n_bytes || !memchr(bytes, '\r', cases[i].n_bytes);
            if (is_whole && strcmp(text, cases[i].want) != 0)
                fail_msg("%s, %zu at a time: %s", cases[i].name, chunk, text);
        }
    }
}

static void test_bars_are_throttled(void **state)
{
    static char bytes[10 * 1000 + 1], text[65536];

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        (void)snprintf(bytes + i * (size_t)10, 11, "bar %5u\r", i);
    // One state every 10 ms: of ten seconds, five states a second are shown.
    run(text, sizeof text, bytes, sizeof bytes - 1, 10, 10);
    unsigned n = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n++;
    assert_in_range(n, 49, 52);
    assert_non_null(strstr(text, "<6>bar   999\n"));
}

static void test_a_bar_waits_for_its_time(void **state)
{
    static struct outlet outlet;
    static struct stream stream;

    (void)state;
    outlet_init(&outlet, -1, 100, 10000);
    stream_init(&stream, &outlet, LEVEL_INFO);
    assert_int_equal(stream_show_bar(&stream, 1000), -1);
    stream_feed(&stream, "a\r", 2, 1000); // the first is shown at once
    assert_int_equal(outlet.n, strlen("<6>a\n"));
    stream_feed(&stream, "b\r", 2, 1100);
    assert_int_equal(stream_show_bar(&stream, 1100), 100);
    stream_feed(&stream, "c\r", 2, 1150);
    assert_int_equal(stream_show_bar(&stream, 1150), 50);
    assert_int_equal(stream_show_bar(&stream, 1200), -1);
    assert_int_equal(outlet.n, strlen("<6>a\n<6>c\n"));
    stream_feed(&stream, "\n", 1, 1210); // that one has been seen
    assert_int_equal(outlet.n, strlen("<6>a\n<6>c\n"));
}

// A line of so many bytes comes out so long, and with a mark of so many.
static const struct {
    size_t   n, shown;
    uint64_t n_cut;
} lengths[] = {
    { 1, 1, 0 },
    { OUTLET_LINE_MAX, OUTLET_LINE_MAX, 0 },
    { OUTLET_LINE_MAX + 1, OUTLET_LINE_MAX, 1 },
    { 5000000, OUTLET_LINE_MAX, 5000000 - OUTLET_LINE_MAX },
};

static void check_length(const char *text, char fill, size_t shown, uint64_t n_cut)
{
    char mark[64] = "";

    if (n_cut > 0)
        (void)snprintf(mark, sizeof mark, "… (%" PRIu64 " bytes cut)", n_cut);
    assert_int_equal(strlen(text), strlen("<6>") + shown + strlen(mark) + 1);
    for (size_t i = 0; i < shown; i++)
        assert_int_equal(text[i + 3], fill);
    assert_memory_equal(text + 3 + shown, mark, strlen(mark));
}

static void test_long_lines(void **state)
{
    static char text[16384];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(lengths); i++)
        for (int has_end = 0; has_end < 2; has_end++) {
            char *bytes = malloc(lengths[i].n + 1);
            memset(bytes, 'x', lengths[i].n);
            bytes[lengths[i].n] = '\n';
            run(text, sizeof text, bytes, lengths[i].n + (size_t)has_end, 65536, 0);
            check_length(text, 'x', lengths[i].shown, lengths[i].n_cut);
            free(bytes);
        }
}

// Cut anywhere in its characters, a line shows only whole ones.
static void test_characters_are_not_cut(void **state)
{
    static const char *const characters[] = { "ä", "€", "😀" };
    static char              text[16384], bytes[OUTLET_LINE_MAX + 16];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(characters); i++)
        for (size_t before = 0; before < 4; before++) {
            size_t n_character = strlen(characters[i]), n = 0;
            memset(bytes, 'x', before);
            for (n = before; n + n_character <= sizeof bytes; n += n_character)
                memcpy(bytes + n, characters[i], n_character);
            run(text, sizeof text, bytes, n, n, 0);
            assert_null(strchr(text, '?'));
            assert_non_null(strstr(text, " bytes cut)"));
        }
}

static void test_a_flood_ends(void **state)
{
    static struct outlet outlet;
    static struct stream stream;
    static const char    lines[] = "a\nb\nc\nd\n";
    int                  ends[2];
    char                 text[512];

    (void)state;
    for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        outlet_init(&outlet, ends[1], by_bytes ? 100 : 3, by_bytes ? 3 : 100);
        stream_init(&stream, &outlet, LEVEL_WARNING);
        for (int i = 0; i < 1000; i++)
            stream_feed(&stream, lines, sizeof lines - 1, 0);
        outlet_say(&outlet, LEVEL_ERROR, "it %s", "ended");
        outlet_flush(&outlet);
        (void)close(ends[1]);
        ssize_t n = fd_read_up_to(ends[0], text, sizeof text - 1);
        (void)close(ends[0]);
        assert_true(n > 0);
        text[n] = '\0';
        assert_string_equal(
            text, "<4>a\n<4>b\n<4>c\n<5>the rest of the output is dropped\n<3>it ended\n");
    }
}

// More than it collects at once, and then nobody reads.
static void test_nobody_reads(void **state)
{
    static struct outlet outlet;
    int                  ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    outlet_init(&outlet, ends[1], 1000000, 1000000);
    (void)close(ends[0]);
    for (int i = 0; i < 100000; i++)
        outlet_add(&outlet, LEVEL_INFO, "line", 4, 0);
    outlet_flush(&outlet);
    assert_true(outlet.is_broken);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bars_are_throttled),
        cmocka_unit_test(test_a_bar_waits_for_its_time),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_characters_are_not_cut),
        cmocka_unit_test(test_a_flood_ends),
        cmocka_unit_test(test_nobody_reads),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
