// SPDX-License-Identifier: MIT
#include "steam/webapi.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

#define PARAMETER_MAX 64u // bytes of one number in a form, with its name

// Collections are made by an app of Steam's own.
#define COLLECTIONS_APP     766u
#define FILETYPE_COLLECTION 2u

static const struct question {
    const char *path, *count, *list;
} questions[] = {
    [WEBAPI_ITEMS] = { "/ISteamRemoteStorage/GetPublishedFileDetails/v1/", "itemcount",
                       "publishedfiledetails" },
    [WEBAPI_COLLECTIONS] = { "/ISteamRemoteStorage/GetCollectionDetails/v1/", "collectioncount",
                             "collectiondetails" },
};

// ---- asking -----------------------------------------------------------------------------------

const char *webapi_path(enum webapi_question question)
{
    return questions[question].path;
}

char *webapi_form(enum webapi_question question, const uint64_t *ids, size_t n)
{
    size_t size = (n + 1) * PARAMETER_MAX;
    char  *form = malloc(size);

    if (!form)
        return NULL;
    size_t at = (size_t)snprintf(form, size, "%s=%zu", questions[question].count, n);
    for (size_t i = 0; i < n; i++) // brackets are %5B and %5D in a form
        at += (size_t)snprintf(form + at, size - at, "&publishedfileids%%5B%zu%%5D=%" PRIu64, i,
                               ids[i]);
    return form;
}

// ---- reading JSON that is not quite -------------------------------------------------------------

static bool is_hex(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= '0' && text[i] <= '9') ||
              ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'f')))
            return false;
    return true;
}

// The length of the escape at `text`, which is a backslash; *ret_is_lone: it is half of a pair of
// surrogates, without the other half.
static size_t escape_length(bool *ret_is_lone, const char *text, size_t n)
{
    *ret_is_lone = false;
    if (n < 6 || text[1] != 'u' || !is_hex(text + 2, 4))
        return MIN(n, 2u);
    bool is_surrogate = (text[2] | 0x20) == 'd' && text[3] >= '8';
    if (!is_surrogate)
        return 6;
    bool is_high = text[3] <= '9' || (text[3] | 0x20) <= 'b';
    bool has_low = n >= 12 && text[6] == '\\' && text[7] == 'u' && is_hex(text + 8, 4) &&
                   (text[8] | 0x20) == 'd' && (text[9] | 0x20) >= 'c' && text[9] > '9';
    if (is_high && has_low)
        return 12;
    *ret_is_lone = true;
    return 6;
}

// One item with a title that was cut within a character would make the whole answer unreadable:
// such bytes, and halves of surrogates, become question marks. Nothing gets longer.
static size_t mend(char *bytes, size_t n)
{
    size_t out = 0;

    for (size_t i = 0, length; i < n; i += length) {
        bool is_bad = false;
        if (bytes[i] == '\\') {
            length = escape_length(&is_bad, bytes + i, n - i);
        } else {
            length = text_character(bytes + i, n - i);
            is_bad = length == 0;
        }
        if (is_bad) {
            length = length ? length : 1;
            bytes[out++] = '?';
            continue;
        }
        memmove(bytes + out, bytes + i, length);
        out += length;
    }
    return out;
}

// The list of rows in the answer; *ret_root owns it.
static int load(json_t **ret_root, const json_t **ret_list, enum webapi_question question,
                const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO(freep) char          *copy = NULL;
    AUTO(json_decrefp) json_t *root = NULL;
    json_error_t               why;

    if (n_bytes > WEBAPI_ANSWER_MAX)
        return error_set(err, ERROR_INVALID, "the answer is larger than %u bytes",
                         WEBAPI_ANSWER_MAX);
    copy = malloc(n_bytes + 1);
    if (!copy)
        return error_sys(err, ENOMEM, "reading an answer");
    memcpy(copy, bytes, n_bytes);
    root = json_loadb(copy, mend(copy, n_bytes), JSON_ALLOW_NUL, &why);
    if (!root)
        return error_set(err, ERROR_INVALID, "the answer is not JSON");
    const json_t *list =
        json_object_get(json_object_get(root, "response"), questions[question].list);
    if (!json_is_array(list))
        return error_set(err, ERROR_INVALID, "the answer has no '%s'", questions[question].list);
    *ret_list = list;
    *ret_root = TAKE(root);
    return 0;
}

static uint64_t read_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    uint64_t      number = 0;

    if (json_is_true(value))
        return 1;
    if (json_is_integer(value))
        return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    if (!json_is_string(value))
        return 0;
    for (const char *c = json_string_value(value); *c; c++)
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*c - '0'), &number) || number > INT64_MAX)
            return 0;
    return number;
}

// What does not fit is not a number that means something.
static uint32_t read_u32(const json_t *object, const char *key)
{
    uint64_t number = read_number(object, key);

    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static void read_text(char *ret, size_t size, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value))
        (void)text_sanitize(ret, size, json_string_value(value), json_string_length(value));
}

// A link is taken whole or not at all. Old items have links with http, to hosts that answer https.
static void read_link(char *ret, const json_t *object, const char *key)
{
    static const char http[] = "http://", https[] = "https://";
    const json_t     *value = json_object_get(object, key);
    const char       *text = json_is_string(value) ? json_string_value(value) : "";

    if (strncmp(text, http, strlen(http)) == 0)
        text += strlen(http);
    else if (strncmp(text, https, strlen(https)) == 0)
        text += strlen(https);
    else
        return;
    size_t n = strlen(text);
    if (n == 0 || n + sizeof https > WEBAPI_URL_MAX ||
        n != json_string_length(value) - (size_t)(text - json_string_value(value)))
        return;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c))
            return;
    (void)snprintf(ret, WEBAPI_URL_MAX, "%s%s", https, text);
}

// ---- items ------------------------------------------------------------------------------------

static void read_tags(struct webapi_item *item, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && item->n_tags < WEBAPI_TAGS_MAX; i++) {
        char *tag = item->tags[item->n_tags];
        read_text(tag, WEBAPI_TAG_MAX, json_array_get(list, i), "tag");
        if (*tag)
            item->n_tags++;
    }
}

// Of an item that lies elsewhere the link to its file leads to its picture.
static bool is_picture(const struct webapi_item *item)
{
    size_t n = strcspn(item->preview_url, "?");

    return n > 0 && strcspn(item->file_url, "?") == n &&
           strncmp(item->file_url, item->preview_url, n) == 0;
}

static void read_item(struct webapi_item *ret, const json_t *object)
{
    ret->result = read_u32(object, "result");
    ret->app = read_u32(object, "consumer_app_id");
    ret->visibility = read_u32(object, "visibility");
    ret->is_banned = read_number(object, "banned") != 0;
    ret->size_bytes = read_number(object, "file_size");
    ret->updated_unix_s = read_number(object, "time_updated");
    read_text(ret->title, sizeof ret->title, object, "title");
    read_text(ret->filename, sizeof ret->filename, object, "filename");
    read_link(ret->preview_url, object, "preview_url");
    read_link(ret->file_url, object, "file_url");
    read_tags(ret, json_object_get(object, "tags"));
    if (is_picture(ret))
        ret->file_url[0] = '\0';
    ret->is_perhaps_collection = ret->result == WEBAPI_RESULT_OK &&
                                 (!ret->file_url[0] || !ret->filename[0] || ret->size_bytes == 0 ||
                                  read_number(object, "creator_app_id") == COLLECTIONS_APP);
}

int webapi_parse_items(struct webapi_items *ret, const char *bytes, size_t n_bytes,
                       struct error *err)
{
    AUTO(json_decrefp) json_t                  *root = NULL;
    AUTO(webapi_items_done) struct webapi_items items = { 0 };
    const json_t                               *list = NULL;

    if (load(&root, &list, WEBAPI_ITEMS, bytes, n_bytes, err) < 0)
        return -1;
    size_t n = MIN(json_array_size(list), (size_t)WEBAPI_ROWS_MAX);
    items.rows = calloc(n + 1, sizeof *items.rows);
    if (!items.rows)
        return error_sys(err, ENOMEM, "reading %zu items", n);
    for (size_t i = 0; i < n; i++) {
        const json_t       *object = json_array_get(list, i);
        struct webapi_item *row = &items.rows[items.n];
        row->id = read_number(object, "publishedfileid");
        if (!row->id)
            continue;
        read_item(row, object);
        items.n++;
    }
    *ret = items;
    items = (struct webapi_items){ 0 };
    return 0;
}

void webapi_items_done(struct webapi_items *items)
{
    free(items->rows);
    *items = (struct webapi_items){ 0 };
}

// ---- collections ------------------------------------------------------------------------------

struct sorted_child {
    uint64_t            order;
    size_t              place; // among those of the same order
    struct webapi_child child;
};

static int compare_children(const void *a, const void *b)
{
    const struct sorted_child *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int read_children(struct webapi_collection *collection, const json_t *list,
                         struct error *err)
{
    size_t                           n = MIN(json_array_size(list), (size_t)WEBAPI_CHILDREN_MAX);
    AUTO(freep) struct sorted_child *sorted = calloc(n + 1, sizeof *sorted);
    size_t                           n_sorted = 0;

    collection->children = calloc(n + 1, sizeof *collection->children);
    if (!sorted || !collection->children)
        return error_sys(err, ENOMEM, "reading a collection");
    for (size_t i = 0; i < n; i++) {
        const json_t       *object = json_array_get(list, i);
        struct webapi_child child = {
            .id = read_number(object, "publishedfileid"),
            .is_collection = read_number(object, "filetype") == FILETYPE_COLLECTION,
        };
        if (child.id)
            sorted[n_sorted++] =
                (struct sorted_child){ read_number(object, "sortorder"), i, child };
    }
    qsort(sorted, n_sorted, sizeof *sorted, compare_children);
    for (size_t i = 0; i < n_sorted; i++)
        collection->children[i] = sorted[i].child;
    collection->n_children = n_sorted;
    return 0;
}

int webapi_parse_collections(struct webapi_collections *ret, const char *bytes, size_t n_bytes,
                             struct error *err)
{
    AUTO(json_decrefp) json_t                              *root = NULL;
    AUTO(webapi_collections_done) struct webapi_collections collections = { 0 };
    const json_t                                           *list = NULL;

    if (load(&root, &list, WEBAPI_COLLECTIONS, bytes, n_bytes, err) < 0)
        return -1;
    size_t n = MIN(json_array_size(list), (size_t)WEBAPI_ROWS_MAX);
    collections.rows = calloc(n + 1, sizeof *collections.rows);
    if (!collections.rows)
        return error_sys(err, ENOMEM, "reading %zu collections", n);
    for (size_t i = 0; i < n; i++) {
        const json_t             *object = json_array_get(list, i);
        struct webapi_collection *row = &collections.rows[collections.n];
        row->id = read_number(object, "publishedfileid");
        if (!row->id)
            continue;
        collections.n++;
        row->is_collection = read_number(object, "result") == WEBAPI_RESULT_OK;
        if (row->is_collection && read_children(row, json_object_get(object, "children"), err) < 0)
            return -1;
    }
    *ret = collections;
    collections = (struct webapi_collections){ 0 };
    return 0;
}

void webapi_collections_done(struct webapi_collections *collections)
{
    for (size_t i = 0; i < collections->n; i++)
        free(collections->rows[i].children);
    free(collections->rows);
    *collections = (struct webapi_collections){ 0 };
}
