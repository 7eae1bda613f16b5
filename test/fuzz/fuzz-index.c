// SPDX-License-Identifier: MIT
#include "base/hash64.h"
#include "overlay/indexdiff.h"
#include "overlay/indexfile.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static int refuse(void *user, const struct index_difference *difference, struct error *err)
{
    (void)user;
    (void)difference;
    (void)err;
    abort(); // an index does not differ from itself
}

static void look_at_nodes(const struct index *index)
{
    static char path[INDEX_PATH_MAX];

    for (uint32_t i = 0; i < index_n_nodes(index); i++) {
        if (index_path(index, i, path, sizeof path) > 0 && index_find(index, path) != i)
            abort();
        (void)index_pack_of(index, i);
        (void)index_findings_of(index, i);
        (void)index_missions_of(index, i);
    }
}

static void look_at_packs(const struct index *index)
{
    for (uint32_t i = 0; i < index_n_packs(index); i++) {
        const struct index_pack *pack = index_pack(index, i);
        if (index_pack_of(index, pack->node) != i ||
            strlen(index_string(index, pack->title)) + strlen(index_string(index, pack->problem)) >
                index_bytes(index))
            abort();
        for (uint32_t j = pack->first_entry; j < pack->first_entry + pack->n_entries; j++)
            if (index_pack_find(index, i, index_string(index, index_entry(index, j)->path)) != j)
                abort();
        for (uint32_t j = pack->first_mission; j < pack->first_mission + pack->n_missions; j++)
            (void)index_string(index, index_mission(index, j)->title);
    }
}

static void look_at_the_rest(const struct index *index)
{
    for (uint32_t i = 0; i < index_n_missions(index); i++) {
        const struct index_mission *mission = index_mission(index, i);
        for (uint32_t j = mission->first_map; j < mission->first_map + mission->n_maps; j++)
            (void)strlen(index_string(index, index_map(index, j)->name));
        (void)strlen(index_string(index, mission->path));
        (void)strlen(index_string(index, mission->name));
    }
    for (uint32_t i = 0; i < index_n_findings(index); i++)
        (void)strlen(index_string(index, index_finding(index, i)->text));
}

// The sum is put right, so that what stands behind it is reached.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    const size_t                    n_head = sizeof(struct index_header);
    AUTO(index_freep) struct index *index = NULL;
    AUTO(freep) uint8_t            *copy = malloc(n_bytes + !n_bytes);
    struct error                    err = { 0 };

    memcpy(copy, bytes, n_bytes);
    if (n_bytes >= n_head) {
        uint64_t sum = hash64_of(copy + n_head, n_bytes - n_head);
        memcpy(copy + offsetof(struct index_header, sum), &sum, sizeof sum);
    }
    if (index_parse(&index, copy, n_bytes, &err) < 0)
        return 0;
    look_at_nodes(index);
    look_at_packs(index);
    look_at_the_rest(index);
    // What is deeper than paths may be is an error, and said before the stack is.
    if (index_diff(index, index, NULL, refuse, NULL, &err) < 0 && err.kind != ERROR_INVALID)
        abort();
    return 0;
}
