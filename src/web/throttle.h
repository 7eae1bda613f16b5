// SPDX-License-Identifier: MIT
#pragma once

// throttle: whoever tries to log in and fails waits longer each time: by the address it comes from,
// and by the account it is about.
//
// The first few failures cost nothing, each further one doubles the wait up to a quarter of an
// hour, and an hour without any is forgiven. An account can thus be tried by everybody together
// about a hundred times a day; and its owner, who may have to wait for others' tries, waits a
// quarter of an hour at most. All that is remembered has a fixed size: the ones that nobody tried
// for longest are forgotten first.

#include <stdbool.h>
#include <stdint.h>
#include "http/address.h"

#define THROTTLE_FREE     5u // failures
#define THROTTLE_MAX_S    900u
#define THROTTLE_FORGET_S 3600u
#define THROTTLE_ROWS     4096u // a power of two

// What is counted of: an address, or an account, as 64 bits.
struct throttle_key {
    uint64_t hash;
};

struct throttle;

struct throttle *throttle_new(void); // NULL: there is no memory
struct throttle *throttle_free(struct throttle *throttle);

// Of IPv6 the network of 64 bits: that is what one customer has.
struct throttle_key throttle_of_address(const struct throttle     *throttle,
                                        const struct http_address *address);
// Without regard to the case of letters.
struct throttle_key throttle_of_account(const struct throttle *throttle, const char *name);

// Whether it has failed so often that each further time makes it wait.
bool throttle_is_known(const struct throttle *throttle, struct throttle_key key,
                       int64_t now_unix_s);
// How many seconds it must wait still; 0: it may try.
unsigned throttle_wait_s(const struct throttle *throttle, struct throttle_key key,
                         int64_t now_unix_s);
void     throttle_failed(struct throttle *throttle, struct throttle_key key, int64_t now_unix_s);
void     throttle_succeeded(struct throttle *throttle, struct throttle_key key);
