// SPDX-License-Identifier: MIT
#include "workshop/backoff.h"

#include "base/macros.h"

uint32_t backoff_ms(const struct backoff *backoff, uint32_t n_failures, uint32_t random)
{
    uint64_t ms = backoff->first_ms;

    for (uint32_t i = 1; i < n_failures && ms < backoff->max_ms; i++)
        ms *= 2;
    ms = MIN(ms, backoff->max_ms);
    return (uint32_t)(ms - random % (ms / 2 + 1));
}
