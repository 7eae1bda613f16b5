// SPDX-License-Identifier: MIT

// fuzz-webapi: an answer of Steam's Web API, read both ways. Every text ends within its place and
// is safe to show, every link is https, every number is that of something.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "steam/webapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_text(const char *text, size_t size)
{
    char clean[WEBAPI_URL_MAX];

    if (!memchr(text, '\0', size))
        abort();
    (void)text_sanitize(clean, sizeof clean, text, strlen(text));
    if (strcmp(clean, text) != 0)
        abort();
}

static void check_link(const char *link)
{
    check_text(link, WEBAPI_URL_MAX);
    if (*link && strncmp(link, "https://", 8) != 0)
        abort();
}

static void check_item(const struct webapi_item *item)
{
    check_text(item->title, sizeof item->title);
    check_text(item->filename, sizeof item->filename);
    check_link(item->preview_url);
    check_link(item->file_url);
    if (!item->id || item->n_tags > WEBAPI_TAGS_MAX || item->size_bytes > INT64_MAX)
        abort();
    for (uint32_t i = 0; i < item->n_tags; i++)
        check_text(item->tags[i], sizeof item->tags[i]);
}

static void check_collection(const struct webapi_collection *collection)
{
    if (!collection->id || collection->n_children > WEBAPI_CHILDREN_MAX ||
        (collection->n_children && !collection->is_collection))
        abort();
    for (size_t i = 0; i < collection->n_children; i++)
        if (!collection->children[i].id)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct webapi_items       items = { 0 };
    struct webapi_collections collections = { 0 };
    struct error              err = { 0 };

    if (webapi_parse_items(&items, (const char *)bytes, n_bytes, &err) == 0)
        for (size_t i = 0; i < items.n; i++)
            check_item(&items.rows[i]);
    if (webapi_parse_collections(&collections, (const char *)bytes, n_bytes, &err) == 0)
        for (size_t i = 0; i < collections.n; i++)
            check_collection(&collections.rows[i]);
    webapi_items_done(&items);
    webapi_collections_done(&collections);
    return 0;
}
