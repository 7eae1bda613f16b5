// SPDX-License-Identifier: MIT
#include "http/crowd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/hash64.h"
#include "base/macros.h"

#define BUCKETS 4096u // a power of two

struct crowd {
    uint64_t           seed; // so that nobody chooses who meets whom
    struct connection *buckets[BUCKETS];
};

struct crowd *crowd_new(void)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);

    if (crowd && getrandom(&crowd->seed, sizeof crowd->seed, 0) < 0)
        crowd->seed = (uint64_t)(uintptr_t)crowd; // better than nothing
    return crowd;
}

struct crowd *crowd_free(struct crowd *crowd)
{
    free(crowd);
    return NULL;
}

static size_t bucket_of(const struct crowd *crowd, const struct http_address *customer)
{
    uint8_t bytes[sizeof crowd->seed + sizeof customer->ip];

    memcpy(bytes, &crowd->seed, sizeof crowd->seed);
    memcpy(bytes + sizeof crowd->seed, &customer->ip, sizeof customer->ip);
    return (size_t)(hash64_of(bytes, sizeof bytes) & (BUCKETS - 1));
}

bool crowd_has_room(const struct crowd *crowd, const struct http_address *address, unsigned max,
                    struct connection **ret_other)
{
    struct http_address customer;
    unsigned            n = 0;

    http_address_customer(&customer, address);
    *ret_other = NULL;
    for (struct connection *c = crowd->buckets[bucket_of(crowd, &customer)]; c; c = c->alike_next) {
        if (!http_address_is(&c->customer, &customer))
            continue;
        n++;
        if (connection_goes_before(c, *ret_other))
            *ret_other = c;
    }
    return n < max;
}

void crowd_add(struct crowd *crowd, struct connection *connection,
               const struct http_address *address)
{
    http_address_customer(&connection->customer, address);
    struct connection **bucket = &crowd->buckets[bucket_of(crowd, &connection->customer)];

    connection->is_counted = true;
    connection->alike_next = *bucket;
    *bucket = connection;
}

void crowd_remove(struct crowd *crowd, struct connection *connection)
{
    struct connection **c = &crowd->buckets[bucket_of(crowd, &connection->customer)];

    if (!connection->is_counted)
        return;
    while (*c != connection)
        c = &(*c)->alike_next;
    *c = connection->alike_next;
    connection->is_counted = false;
}
