// SPDX-License-Identifier: MIT
#include "web/rate.h"

#include <stdlib.h>
#include "base/macros.h"

#define WAYS 8u    // rows that one client may be in
#define ONE  1000u // request, as it is counted: each millisecond adds `of_second`

_Static_assert((RATE_ROWS & (RATE_ROWS - 1)) == 0, "a power of two");

struct row {
    uint64_t hash; // 0: it is empty
    uint64_t filled_ms;
    uint64_t left;
};

struct rate {
    unsigned   of_second;
    struct row rows[RATE_ROWS];
};

struct rate *rate_new(unsigned of_second)
{
    struct rate *rate = calloc(1, sizeof *rate);

    if (rate)
        rate->of_second = of_second;
    return rate;
}

struct rate *rate_free(struct rate *rate)
{
    free(rate);
    return NULL;
}

static uint64_t most(const struct rate *rate)
{
    return (uint64_t)rate->of_second * RATE_BURST * ONE;
}

// Its own row, or the one that was not used for longest.
static struct row *find_or_take(struct rate *rate, struct throttle_key key, uint64_t now_ms)
{
    struct row *oldest = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        struct row *row = &rate->rows[(key.hash + i) & (RATE_ROWS - 1)];
        if (row->hash == key.hash)
            return row;
        if (!oldest || !row->hash || (oldest->hash && row->filled_ms < oldest->filled_ms))
            oldest = row;
    }
    *oldest = (struct row){ key.hash, now_ms, most(rate) };
    return oldest;
}

bool rate_take(struct rate *rate, struct throttle_key key, uint64_t now_ms)
{
    if (rate->of_second == 0)
        return true;
    struct row *row = find_or_take(rate, key, now_ms);
    row->left = MIN(row->left + (now_ms - row->filled_ms) * rate->of_second, most(rate));
    row->filled_ms = now_ms;
    if (row->left < ONE)
        return false;
    row->left -= ONE;
    return true;
}
