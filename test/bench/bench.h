// SPDX-License-Identifier: MIT
#pragma once

// bench: what programs that measure have in common.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t us_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_nsec / 1000;
}

static inline uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return us_of(&now);
}

static inline _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}
