// SPDX-License-Identifier: MIT
#include "pak/vpk.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err;

    if (vpk_parse(&vpk, bytes, n_bytes, &err) < 0)
        return 0;
    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        if (!vpk_find(vpk, entry->path) || *entry->path == '/' ||
            strncmp(entry->path, "../", 3) == 0)
            abort();
        AUTO(freep)
        uint8_t *content = entry->size <= UINT16_MAX ? malloc(entry->size + 1) : NULL;
        if (content)
            (void)vpk_read(vpk, entry, content, &err); // may fail, may not overrun
    }
    return 0;
}
