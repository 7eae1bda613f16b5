// SPDX-License-Identifier: MIT
#include "steam/itemlist.h"
#include <inttypes.h>
#include "unit.h"

// Parses an exact copy, so that a sanitizer sees a read behind it.
static void parse(struct itemlist *ret, const uint8_t *bytes, size_t n_bytes)
{
    struct error err = { 0 };
    AUTO(freep)
    char *copy = malloc(n_bytes + !n_bytes);

    memcpy(copy, bytes, n_bytes);
    if (itemlist_parse(ret, copy, n_bytes, &err) < 0)
        fail_msg("%s", err.message);
}

// "1 2 3", then "!LINE" of each fault.
static void show(char *ret, size_t size, const struct itemlist *list)
{
    size_t n = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < list->n; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%" PRIu64, n ? " " : "", list->ids[i]);
    for (size_t i = 0; i < list->n_faults; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s!%u", n ? " " : "", list->faults[i].line);
}

static void test_what_people_paste(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        const char    *want;
    } cases[] = {
        { BYTES(""), "" },
        { BYTES("\n\r\n , ; \t"), "" },
        { BYTES("1"), "1" },
        { BYTES("3 1,2;4\t5\r\n6"), "3 1 2 4 5 6" },
        { BYTES("1\n2\n1\n3 2"), "1 2 3" },
        { BYTES("007"), "7" },
        { BYTES("9223372036854775807"), "9223372036854775807" },
        { BYTES("9223372036854775808"), "!1" },
        { BYTES("99999999999999999999999999"), "!1" },
        { BYTES("0"), "!1" },
        { BYTES("# 1\n2 # 3\n#4\n5"), "2 5" },
        { BYTES("1#2"), "!1" },
        { BYTES("-1 +1 1.5 0x10 one"), "!1 !1 !1 !1 !1" },
        { BYTES("\xef\xbb\xbf"
                "12"),
          "12" },
        { BYTES("12\n\xef\xbb\xbf"
                "13"),
          "12 !2" },
        { BYTES("1\0"
                "2\n3"),
          "3 !1" },
        { BYTES("# \0 \xff\n3"), "3" },
        { BYTES("https://steamcommunity.com/sharedfiles/filedetails/?id=121088"), "121088" },
        { BYTES("http://steamcommunity.com/sharedfiles/filedetails?id=121088"), "121088" },
        { BYTES("https://www.steamcommunity.com/workshop/filedetails/?id=5"), "5" },
        { BYTES("steamcommunity.com/sharedfiles/filedetails/?id=5"), "5" },
        { BYTES("HTTPS://SteamCommunity.com/SharedFiles/FileDetails/?ID=5"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?l=german&id=5"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=5&searchtext=a,"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?a=1&id=5&b"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=5#comments"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=5&id=5"), "5" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=5&id=6"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id="), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=x"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?id=0"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/?xid=5"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/#id=5"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/filedetails/5"), "!1" },
        { BYTES("https://steamcommunity.com/workshop/browse/?id=5"), "!1" },
        { BYTES("https://steamcommunity.com.example/sharedfiles/filedetails/?id=5"), "!1" },
        { BYTES("https://example.com/sharedfiles/filedetails/?id=5"), "!1" },
        { BYTES("ftp://steamcommunity.com/sharedfiles/filedetails/?id=5"), "!1" },
        { BYTES("a\n1\nb 2 c\n\nd"), "1 2 !1 !3 !3 !5" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(itemlist_done) struct itemlist list = { 0 };
        char                                found[256];

        parse(&list, cases[i].bytes, cases[i].n_bytes);
        show(found, sizeof found, &list);
        if (strcmp(found, cases[i].want) != 0)
            fail_msg("case %zu: '%s', not '%s'", i, found, cases[i].want);
    }
}

static void test_faults_are_told(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "1\nfoo", "line 2: 'foo' is neither the number of an item nor a link to one" },
        { "foo bar baz",
          "line 1: 'foo' is neither the number of an item nor a link to one, and 2 more" },
        { "0", "line 1: '0' is not the number of an item: it is too large, or 0" },
        { "https://a.example/",
          "line 1: 'https://a.example/' is not a link to an item of the Workshop" },
        { "steamcommunity.com/sharedfiles/filedetails/",
          "line 1: 'steamcommunity.com/sharedfiles/filedetails/' is a link without the number of "
          "an item, 'id=…'" },
        { "\x1b[1m\xff", "line 1: '?[1m?' is neither the number of an item nor a link to one" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(itemlist_done) struct itemlist list = { 0 };
        struct error                        err = { 0 };

        parse(&list, (const uint8_t *)cases[i].text, strlen(cases[i].text));
        assert_int_equal(itemlist_check(&list, &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_string_equal(err.message, cases[i].want);
    }
}

static void test_limits(void **state)
{
    AUTO(freep) char *text = malloc(ITEMLIST_BYTES_MAX + 1);
    struct error      err = { 0 };
    struct itemlist   list = { 0 };
    size_t            n = 0;

    (void)state;
    memset(text, ' ', ITEMLIST_BYTES_MAX + 1);
    assert_int_equal(itemlist_parse(&list, text, ITEMLIST_BYTES_MAX, &err), 0);
    assert_int_equal(itemlist_check(&list, &err), 0);
    itemlist_done(&list);
    assert_int_equal(itemlist_parse(&list, text, ITEMLIST_BYTES_MAX + 1, &err), -1);

    for (unsigned i = 1; i <= ITEMLIST_ITEMS_MAX; i++)
        n += (size_t)sprintf(text + n, "%u\n", i);
    parse(&list, (uint8_t *)text, n);
    assert_int_equal(itemlist_check(&list, &err), 0);
    assert_int_equal(list.n, ITEMLIST_ITEMS_MAX);
    itemlist_done(&list);

    n += (size_t)sprintf(text + n, "1\n2000\n"); // one that is there already, one that is not
    parse(&list, (uint8_t *)text, n);
    assert_int_equal(list.n_faults, 1);
    assert_int_equal(itemlist_check(&list, &err), -1);
    assert_string_equal(err.message,
                        "line 1002: '2000' is one item too many: a list has at most 1000");
    itemlist_done(&list);

    memset(text, 'x', 3000);
    for (unsigned i = 1; i < 3000; i += 2)
        text[i] = ' ';
    parse(&list, (uint8_t *)text, 3000);
    assert_int_equal(list.n_faults, 1500);
    assert_int_equal(list.faults[ITEMLIST_FAULTS_MAX - 1].line, 1);
    itemlist_done(&list);
}

static void test_every_prefix_ends_well(void **state)
{
    static const char whole[] = "1, https://steamcommunity.com/workshop/filedetails/?a=b&id=23#c";

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        AUTO(itemlist_done) struct itemlist list = { 0 };
        parse(&list, (const uint8_t *)whole, n);
        assert_true(list.n <= 2 && list.n_faults <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_people_paste),
        cmocka_unit_test(test_faults_are_told),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_prefix_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
