// SPDX-License-Identifier: MIT
#include "steam/webapi.h"
#include <inttypes.h>
#include "unit.h"

#define ITEMS(rows)                                                                                \
    "{\"response\":{\"result\":1,\"resultcount\":1,\"publishedfiledetails\":[" rows "]}}"
#define COLLECTIONS(rows) "{\"response\":{\"result\":1,\"collectiondetails\":[" rows "]}}"
#define ITEM(more)        ITEMS("{\"publishedfileid\":\"7\",\"result\":1" more "}")

// Parses an exact copy, so that a sanitizer sees a read behind it.
static int parse_items(struct webapi_items *ret, const char *bytes, size_t n, struct error *err)
{
    AUTO(freep) char *copy = malloc(n + !n);

    memcpy(copy, bytes, n);
    return webapi_parse_items(ret, copy, n, err);
}

static int parse_collections(struct webapi_collections *ret, const char *text, struct error *err)
{
    size_t            n = strlen(text);
    AUTO(freep) char *copy = malloc(n + !n);

    memcpy(copy, text, n);
    return webapi_parse_collections(ret, copy, n, err);
}

static void test_forms(void **state)
{
    static const uint64_t ids[] = { 1, UINT64_C(9223372036854775807) };
    uint64_t              many[WEBAPI_BATCH_MAX];
    AUTO(freep) char     *items = webapi_form(WEBAPI_ITEMS, ids, 2);
    AUTO(freep) char     *collections = webapi_form(WEBAPI_COLLECTIONS, ids, 1);

    (void)state;
    assert_string_equal(items, "itemcount=2&publishedfileids%5B0%5D=1"
                               "&publishedfileids%5B1%5D=9223372036854775807");
    assert_string_equal(collections, "collectioncount=1&publishedfileids%5B0%5D=1");
    assert_string_equal(webapi_path(WEBAPI_ITEMS),
                        "/ISteamRemoteStorage/GetPublishedFileDetails/v1/");
    assert_string_equal(webapi_path(WEBAPI_COLLECTIONS),
                        "/ISteamRemoteStorage/GetCollectionDetails/v1/");
    for (size_t i = 0; i < WEBAPI_BATCH_MAX; i++)
        many[i] = INT64_MAX;
    AUTO(freep) char *largest = webapi_form(WEBAPI_ITEMS, many, WEBAPI_BATCH_MAX);
    static const char tail[] = "&publishedfileids%5B99%5D=9223372036854775807";
    assert_string_equal(largest + strlen(largest) - strlen(tail), tail);
}

static void test_an_item_as_steam_sends_it(void **state)
{
    static const char answer[] = ITEMS(
        "{\"publishedfileid\":\"121088\",\"result\":1,\"creator\":\"76561198000000001\","
        "\"creator_app_id\":550,\"consumer_app_id\":550,\"filename\":\"myl4d2addons/a.vpk\","
        "\"file_size\":\"10485760\",\"file_url\":\"http://cloud-3.steamusercontent.example/ugc/1/A/"
        "\","
        "\"hcontent_file\":\"123\",\"preview_url\":\"https://images.example/ugc/2/B/\","
        "\"title\":\"Dead \\u0413\\u043e\\u0440\\u0430 \\ud83c\\udf0b\",\"description\":\"…\","
        "\"time_created\":1620000000,\"time_updated\":1625000000,\"visibility\":3,\"banned\":0,"
        "\"ban_reason\":\"\",\"tags\":[{\"tag\":\"Campaigns\"},{\"tag\":\"Co-op\"},{\"x\":1},7]}");
    AUTO(webapi_items_done) struct webapi_items items = { 0 };
    struct error                                err = { 0 };

    (void)state;
    if (parse_items(&items, answer, strlen(answer), &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(items.n, 1);
    const struct webapi_item *item = &items.rows[0];
    assert_int_equal(item->id, 121088);
    assert_int_equal(item->result, WEBAPI_RESULT_OK);
    assert_int_equal(item->app, WEBAPI_GAME);
    assert_int_equal(item->visibility, WEBAPI_UNLISTED);
    assert_false(item->is_banned);
    assert_false(item->is_perhaps_collection);
    assert_int_equal(item->size_bytes, 10485760);
    assert_int_equal(item->updated_unix_s, 1625000000);
    assert_string_equal(item->title, "Dead Гора 🌋");
    assert_string_equal(item->filename, "myl4d2addons/a.vpk");
    assert_string_equal(item->file_url, "https://cloud-3.steamusercontent.example/ugc/1/A/");
    assert_string_equal(item->preview_url, "https://images.example/ugc/2/B/");
    assert_int_equal(item->n_tags, 2);
    assert_string_equal(item->tags[1], "Co-op");
}

static void test_strange_titles(void **state)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        { "\"title\":\"\"", "" },
        { "\"title\":7", "" },
        { "\"title\":null", "" },
        { "\"other\":\"x\"", "" },
        { "\"title\":\"a\\nb\\u001b[0m\\u0000c\"", "a?b?[0m?c" },
        { "\"title\":\"half \\ud83d\"", "half ?" },
        { "\"title\":\"half \\udf0b \\uD83DX\"", "half ? ?X" },
        { "\"title\":\"\\\\ud83d\"", "\\ud83d" },
        { "\"title\":\"\\ud83d\\u0041\"", "?A" },
        { "\"title\":\"\\uD83C\\uDF0B\"", "🌋" },
        { "\"title\":\"cut \xe2\x82\"", "cut ??" },
        { "\"title\":\"\xff\xfe\"", "??" },
        { "\"title\":\"\xc0\x80\xed\xa0\x80\"", "?????" },
        { "\"title\":\"\\u0085\"", "?" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(webapi_items_done) struct webapi_items items = { 0 };
        struct error                                err = { 0 };
        char                                        text[256];

        snprintf(text, sizeof text, ITEM(",%s"), cases[i].json);
        if (parse_items(&items, text, strlen(text), &err) < 0)
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(items.n, 1);
        assert_string_equal(items.rows[0].title, cases[i].want);
    }
}

static void test_texts_are_bounded(void **state)
{
    AUTO(webapi_items_done) struct webapi_items items = { 0 };
    struct error                                err = { 0 };
    AUTO(freep) char                           *text = malloc(20000);
    size_t                                      n;

    (void)state;
    n = (size_t)sprintf(text, "%s",
                        "{\"response\":{\"publishedfiledetails\":[{\"publishedfileid\":7,"
                        "\"result\":1,\"title\":\"");
    for (int i = 0; i < 500; i++)
        n += (size_t)sprintf(text + n, "é");
    n += (size_t)sprintf(text + n, "\",\"tags\":[");
    for (int i = 0; i < 50; i++)
        n += (size_t)sprintf(text + n, "%s{\"tag\":\"%0100d\"}", i ? "," : "", i);
    n += (size_t)sprintf(text + n, "],\"preview_url\":\"https://a.example/%01100d\"}]}}", 0);
    if (parse_items(&items, text, n, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(strlen(items.rows[0].title), 254); // no half of an é
    assert_int_equal(items.rows[0].n_tags, WEBAPI_TAGS_MAX);
    assert_int_equal(strlen(items.rows[0].tags[15]), WEBAPI_TAG_MAX - 1);
    assert_string_equal(items.rows[0].preview_url, "");
}

static void test_numbers_and_links(void **state)
{
    static const struct {
        const char *json;
        uint64_t    size;
        const char *link;
        bool        is_banned, is_perhaps_collection;
    } cases[] = {
#define WHOLE "\"filename\":\"a.vpk\","
        { WHOLE "\"file_size\":5,\"file_url\":\"https://a.example/x\"", 5, "https://a.example/x",
          false, false },
        { WHOLE "\"file_size\":\"5\",\"file_url\":\"http://a.example/x\"", 5, "https://a.example/x",
          false, false },
        { "\"file_size\":5,\"file_url\":\"https://a.example/x\"", 5, "https://a.example/x", false,
          true },
        { WHOLE "\"file_size\":5,\"creator_app_id\":766,\"file_url\":\"https://a.example/x\"", 5,
          "https://a.example/x", false, true },
        { WHOLE "\"file_size\":-5,\"file_url\":\"https://a.example/x\"", 0, "https://a.example/x",
          false, true },
        { WHOLE "\"file_size\":\"-5\"", 0, "", false, true },
        { WHOLE "\"file_size\":\"9223372036854775808\"", 0, "", false, true },
        { WHOLE "\"file_size\":1.5", 0, "", false, true },
        { WHOLE "\"file_size\":{}", 0, "", false, true },
        { WHOLE "\"banned\":true", 0, "", true, true },
        { WHOLE "\"banned\":1", 0, "", true, true },
        { WHOLE "\"banned\":\"1\"", 0, "", true, true },
        { WHOLE "\"banned\":false", 0, "", false, true },
        { WHOLE "\"file_url\":\"ftp://a.example/x\"", 0, "", false, true },
        { WHOLE "\"file_url\":\"file:///etc/passwd\"", 0, "", false, true },
        { WHOLE "\"file_url\":\"https://\"", 0, "", false, true },
        { WHOLE "\"file_url\":\"https://a b\"", 0, "", false, true },
        { WHOLE "\"file_url\":\"https://a\\u0000b\"", 0, "", false, true },
        { WHOLE "\"file_url\":\"https://ä.example\"", 0, "", false, true },
        { WHOLE "\"file_size\":5,\"file_url\":\"https://a.example/p\",\"preview_url\":\"https://"
                "a.example/p?w=1\"",
          5, "", false, true },
        { WHOLE "\"file_size\":5,\"file_url\":\"https://a.example/pq\",\"preview_url\":\"https://"
                "a.example/p\"",
          5, "https://a.example/pq", false, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(webapi_items_done) struct webapi_items items = { 0 };
        struct error                                err = { 0 };
        char                                        text[512];

        snprintf(text, sizeof text, ITEM(",%s"), cases[i].json);
        if (parse_items(&items, text, strlen(text), &err) < 0)
            fail_msg("case %zu: %s", i, err.message);
        const struct webapi_item *item = &items.rows[0];
        if (item->size_bytes != cases[i].size || strcmp(item->file_url, cases[i].link) != 0 ||
            item->is_banned != cases[i].is_banned ||
            item->is_perhaps_collection != cases[i].is_perhaps_collection)
            fail_msg("case %zu: size %" PRIu64 ", link '%s'", i, item->size_bytes, item->file_url);
    }
}

static void test_what_is_no_answer(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "<html>",
        "{\"response\":{}}",
        "{\"response\":[]}",
        "{\"response\":{\"publishedfiledetails\":{}}}",
        "{\"publishedfiledetails\":[]}",
        ITEMS("") "x",
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct webapi_items items = { 0 };
        struct error        err = { 0 };
        assert_int_equal(parse_items(&items, texts[i], strlen(texts[i]), &err), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
}

static void test_rows_that_are_none(void **state)
{
    static const char answer[] = ITEMS("7,null,{},{\"publishedfileid\":\"0\"},"
                                       "{\"publishedfileid\":\"x\",\"result\":1},"
                                       "{\"publishedfileid\":\"5\",\"result\":9},"
                                       "{\"publishedfileid\":6}");
    AUTO(webapi_items_done) struct webapi_items items = { 0 };
    struct error                                err = { 0 };

    (void)state;
    assert_int_equal(parse_items(&items, answer, strlen(answer), &err), 0);
    assert_int_equal(items.n, 2);
    assert_int_equal(items.rows[0].id, 5);
    assert_int_equal(items.rows[0].result, WEBAPI_RESULT_NOT_FOUND);
    assert_int_equal(items.rows[1].id, 6);
    assert_int_equal(items.rows[1].result, 0);
}

static void test_collections(void **state)
{
    static const char answer[] =
        COLLECTIONS("{\"publishedfileid\":\"5\",\"result\":1,\"children\":["
                    "{\"publishedfileid\":\"12\",\"sortorder\":2,\"filetype\":0},"
                    "{\"publishedfileid\":\"13\",\"sortorder\":1,\"filetype\":2},"
                    "{\"publishedfileid\":\"14\",\"sortorder\":1},{\"publishedfileid\":\"x\"},7]},"
                    "{\"publishedfileid\":\"6\",\"result\":9},"
                    "{\"publishedfileid\":\"7\",\"result\":1}");
    AUTO(webapi_collections_done) struct webapi_collections collections = { 0 };
    struct error                                            err = { 0 };

    (void)state;
    if (parse_collections(&collections, answer, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(collections.n, 3);
    const struct webapi_collection *first = &collections.rows[0];
    assert_true(first->is_collection);
    assert_int_equal(first->n_children, 3);
    assert_int_equal(first->children[0].id, 13);
    assert_true(first->children[0].is_collection);
    assert_int_equal(first->children[1].id, 14);
    assert_int_equal(first->children[2].id, 12);
    assert_false(first->children[2].is_collection);
    assert_false(collections.rows[1].is_collection);
    assert_true(collections.rows[2].is_collection);
    assert_int_equal(collections.rows[2].n_children, 0);

    assert_int_equal(parse_collections(&collections, "{\"response\":{}}", &err), -1);
}

static void test_limits(void **state)
{
    static const char head[] = "{\"response\":{\"publishedfiledetails\":[", tail[] = "]}}";
    size_t            room = WEBAPI_ANSWER_MAX + 1, n = 0;
    AUTO(freep) char *text = malloc(room);
    struct error      err = { 0 };

    (void)state;
    n = (size_t)sprintf(text, "%s", head);
    for (unsigned i = 0; i <= WEBAPI_ROWS_MAX; i++)
        n += (size_t)sprintf(text + n, "%s{\"publishedfileid\":%u}", i ? "," : "", i + 1);
    n += (size_t)sprintf(text + n, "%s", tail);
    {
        AUTO(webapi_items_done) struct webapi_items items = { 0 };
        assert_int_equal(parse_items(&items, text, n, &err), 0);
        assert_int_equal(items.n, WEBAPI_ROWS_MAX);
    }
    memset(text + n, ' ', room - n);
    {
        AUTO(webapi_items_done) struct webapi_items items = { 0 };
        assert_int_equal(parse_items(&items, text, room - 1, &err), 0);
    }
    struct webapi_items items = { 0 };
    assert_int_equal(parse_items(&items, text, room, &err), -1);
}

static void test_every_prefix_ends_well(void **state)
{
    static const char whole[] =
        ITEM(",\"title\":\"\\ud83c\\udf0b \xe2\x82\xac\",\"tags\":[{\"tag\":\"a\"}]");

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        AUTO(webapi_items_done) struct webapi_items items = { 0 };
        struct error                                err = { 0 };
        assert_int_equal(parse_items(&items, whole, n, &err), n == sizeof whole - 1 ? 0 : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_an_item_as_steam_sends_it),
        cmocka_unit_test(test_strange_titles),
        cmocka_unit_test(test_texts_are_bounded),
        cmocka_unit_test(test_numbers_and_links),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_rows_that_are_none),
        cmocka_unit_test(test_collections),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_prefix_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
