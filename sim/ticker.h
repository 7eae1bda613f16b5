// SPDX-License-Identifier: MIT
#pragma once

// ticker: the tick loop, and how punctual it is. Hibernation slows it down to one tick a second.

#include "loop.h"
#include <stdbool.h>
#include <stdint.h>

struct ticker;
struct ticker_stats {
    uint64_t n_ticks;
    uint64_t n_missed; // ticks that were so late that the next was due
    double   mean_us;  // lateness against the schedule
    uint32_t p50_us;
    uint32_t p99_us;
    uint32_t max_us;
    double   fps;       // over the last second or so
    double   cpu_share; // of the process, over the same time
};

typedef void ticker_fn(void *userdata);

int            ticker_new(struct ticker **ret, struct loop *loop, uint32_t tickrate, ticker_fn *fn,
                          void *userdata, struct error *err) MUST_USE;
struct ticker *ticker_free(struct ticker *ticker);

void ticker_set_hibernating(struct ticker *ticker, bool is_hibernating);
void ticker_reset(struct ticker *ticker); // forgets the lateness so far
void ticker_stats(const struct ticker *ticker, struct ticker_stats *ret);
