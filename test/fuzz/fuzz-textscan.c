// SPDX-License-Identifier: MIT
#include "content/textscan.h"
#include "overlay/indexfile.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

// The first byte chooses what the text is.
static const char *const paths[] = {
    "left4dead2/cfg/server.cfg",
    "left4dead2/addonlist.txt",
    "left4dead2/gameinfo.txt",
    "left4dead2/missions/a.txt",
};

// An index that holds one file, and what was found in it, can be read.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(index_builder_freep) struct index_builder *builder = NULL;
    AUTO(index_freep) struct index                 *index = NULL, *again = NULL;
    const struct index_node                         like = { .kind = INDEX_FILE };
    struct error                                    err = { 0 };

    if (n_bytes == 0)
        return 0;
    const char *path = paths[bytes[0] % ELEMENTS(paths)];
    if (index_builder_new(&builder, &err) < 0 ||
        index_builder_add(builder, INDEX_ROOT, "file", &like, &err) < 0 ||
        textscan(builder, 1, textscan_kind_of(path), path, bytes + 1, n_bytes - 1, &err) < 0 ||
        index_builder_end(builder, &index, &err) < 0 ||
        index_parse(&again, index->bytes, index->n_bytes, &err) < 0)
        abort(); // but for memory, nothing may fail
    for (uint32_t i = 0; i < index_n_findings(index); i++)
        (void)strlen(index_string(index, index_finding(index, i)->text));
    return 0;
}
