// SPDX-License-Identifier: MIT

// fuzz-item: what is noted of a Workshop item. What is understood is within its limits, and comes
// back the same when it is written.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "workshop/item.h"

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

static void check(const struct item *item)
{
    check_text(item->title, sizeof item->title);
    check_text(item->preview_url, sizeof item->preview_url);
    check_text(item->error, sizeof item->error);
    if (item->n_tags > WEBAPI_TAGS_MAX)
        abort();
    for (size_t i = 0; i < item->n_tags; i++)
        check_text(item->tags[i], sizeof item->tags[i]);
    for (size_t i = 0; i < MIN(item->contents.maps.n, CONTENTS_LIST_MAX); i++)
        check_text(item->contents.maps.names[i], CONTENTS_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct item item, again; // too large for a stack
    struct error       err = { 0 };

    if (item_parse(&item, (const char *)bytes, n_bytes, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return 0;
    }
    check(&item);
    AUTO(freep) char *text = item_format(&item);
    if (!text || item_parse(&again, text, strlen(text), &err) < 0 ||
        memcmp(&item, &again, sizeof item) != 0)
        abort();
    return 0;
}
