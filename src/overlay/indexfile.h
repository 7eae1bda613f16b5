// SPDX-License-Identifier: MIT
#pragma once

// indexfile: how an index lies in memory and on disk, for overlay/index.c and indexbuild.c alone.

#include "overlay/index.h"

#define INDEX_MAGIC "L4MINDEX"

enum index_section {
    SECTION_NODES,
    SECTION_PACKS,
    SECTION_ENTRIES,
    SECTION_MISSIONS,
    SECTION_MAPS,
    SECTION_FINDINGS,
    SECTION_STRINGS, // bytes; the first and the last one are 0
    SECTION_COUNT,
};

struct index_header {
    char     magic[8];
    uint32_t version;
    uint32_t flags;
    uint64_t sum; // hash64 of all that follows
    uint32_t counts[SECTION_COUNT];
    uint32_t zero;
};

// What the records of a section measure, and how many there may be.
struct index_shape {
    uint32_t size;
    uint32_t max;
};

extern const struct index_shape index_shapes[SECTION_COUNT];

struct index {
    uint8_t                   *bytes; // owned
    size_t                     n_bytes;
    const struct index_header *header;
    const void                *sections[SECTION_COUNT];
};

// Takes `bytes`, `n_bytes` of them, in every case. `is_ours`: they were just made, not read.
int index_take(struct index **ret, uint8_t *bytes, size_t n_bytes, bool is_ours, struct error *err)
    MUST_USE;
