// SPDX-License-Identifier: MIT

// fuzz-itemlist: a pasted list. Numbers are in range and each is there once; faults name a line
// that there is, and are safe to show.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "steam/itemlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_fault(const struct itemlist_fault *fault, uint32_t n_lines)
{
    char clean[ITEMLIST_TOKEN_MAX];

    if (!memchr(fault->token, '\0', sizeof fault->token) || !fault->why || fault->line < 1 ||
        fault->line > n_lines)
        abort();
    (void)text_sanitize(clean, sizeof clean, fault->token, strlen(fault->token));
    if (strcmp(clean, fault->token) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct itemlist list;
    struct error    err = { 0 };
    uint32_t        n_lines = 1;

    if (itemlist_parse(&list, (const char *)bytes, n_bytes, &err) < 0)
        return 0;
    for (size_t i = 0; i < n_bytes; i++)
        n_lines += bytes[i] == '\n';
    if (list.n > ITEMLIST_ITEMS_MAX)
        abort();
    for (size_t i = 0; i < list.n; i++) {
        if (list.ids[i] == 0 || list.ids[i] > INT64_MAX)
            abort();
        for (size_t j = 0; j < i; j++)
            if (list.ids[i] == list.ids[j])
                abort();
    }
    for (size_t i = 0; i < MIN(list.n_faults, ITEMLIST_FAULTS_MAX); i++)
        check_fault(&list.faults[i], n_lines);
    if ((itemlist_check(&list, &err) < 0) != (list.n_faults > 0))
        abort();
    itemlist_done(&list);
    return 0;
}
