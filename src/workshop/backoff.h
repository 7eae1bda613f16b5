// SPDX-License-Identifier: MIT
#pragma once

// backoff: how long to wait before something that failed is tried again.
//
// Twice as long after each failure, half of it by chance, so that many who failed together do not
// come back together. A server that says how long is obeyed.

#include <stdint.h>

struct backoff {
    uint32_t first_ms;
    uint32_t max_ms;
};

// `n_failures` so far, from 1; `random` is any number.
uint32_t backoff_ms(const struct backoff *backoff, uint32_t n_failures, uint32_t random);
