// SPDX-License-Identifier: MIT
#include "http/holders.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/hash64.h"

#define COUNTS 4096u // a power of two

struct holders {
    uint64_t seed; // so that nobody chooses whom he meets
    size_t   counts[COUNTS];
};

struct holders *holders_new(void)
{
    struct holders *holders = calloc(1, sizeof *holders);

    if (holders && getrandom(&holders->seed, sizeof holders->seed, 0) < 0)
        holders->seed = (uint64_t)(uintptr_t)holders; // better than nothing
    return holders;
}

struct holders *holders_free(struct holders *holders)
{
    free(holders);
    return NULL;
}

size_t *holders_find(struct holders *holders, uint64_t holder)
{
    const uint64_t key[] = { holders->seed, holder };

    return &holders->counts[hash64_of(key, sizeof key) & (COUNTS - 1)];
}
