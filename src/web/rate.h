// SPDX-License-Identifier: MIT
#pragma once

// rate: how many requests each client may make, in the long run and at once.
//
// Each has a bucket that fills up slowly and from which each request takes one. A fixed number of
// clients is remembered: those that did not ask for longest are forgotten first, and begin anew.

#include "web/throttle.h"

#define RATE_ROWS  4096u // a power of two
#define RATE_BURST 20u   // seconds' worth, at once

struct rate;

// `of_second` requests a second; 0: no limit. NULL: out of memory.
struct rate *rate_new(unsigned of_second);
struct rate *rate_free(struct rate *rate);

// Takes one. False: there is none left, and in a second there will be.
bool rate_take(struct rate *rate, struct throttle_key key, uint64_t now_ms);
