// SPDX-License-Identifier: MIT
#pragma once

// visit: a request as it is seen before anybody answers it: from where it comes, whether by https,
// and under which number.

#include "http/address.h"
#include "http/server.h"

#define VISIT_ID_MAX   17u  // bytes, the NUL included
#define VISIT_PATH_MAX 161u // what is longer is cut off

// Of all of them. Starts with the first two filled in, the rest 0.
struct visits {
    struct http_proxies proxies;   // that are believed
    bool                is_secure; // it is reached by https, but from the machine itself
    uint32_t            process, number;
};

struct visit {
    const struct http_handler *handler; // who answers it
    struct http_address        peer;    // who is connected,
    struct http_address        client;  // and who asks
    bool                       is_proxied;
    bool                       is_secure;  // it goes to the client by https
    bool                       is_exposed; // it did not, as a proxy says, and should
    bool                       is_stream;  // of events: it goes on as long as somebody listens
    enum http_method           method;
    char                       id[VISIT_ID_MAX];
    char                       path[VISIT_PATH_MAX]; // without the query, in which secrets can be
    uint64_t                   begun_us;             // CLOCK_MONOTONIC
};

// Begins one and makes it the exchange's; it is told the id. NULL: out of memory.
struct visit *visit_begin(struct http_exchange *exchange, struct visits *visits);
struct visit *visit_end(struct visit *visit); // takes NULL, returns NULL

// Of an exchange within the calls of a handler.
struct visit *visit_of(struct http_exchange *exchange);

uint64_t visit_now_us(void); // CLOCK_MONOTONIC
