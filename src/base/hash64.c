// SPDX-License-Identifier: MIT
#include "base/hash64.h"

#include <endian.h>
#include <string.h>
#include "base/macros.h"

#define PRIME_1 0x9e3779b185ebca87u
#define PRIME_2 0xc2b2ae3d27d4eb4fu
#define PRIME_3 0x165667b19e3779f9u
#define PRIME_4 0x85ebca77c2b2ae63u
#define PRIME_5 0x27d4eb2f165667c5u
#define STRIPE  32u

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t get_u64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return le64toh(value);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return le32toh(value);
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static void add_stripes(uint64_t lanes[4], const uint8_t *bytes, size_t n_stripes)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3]; // in registers

    for (; n_stripes > 0; n_stripes--, bytes += STRIPE) {
        a = mix(a, get_u64(bytes));
        b = mix(b, get_u64(bytes + 8));
        c = mix(c, get_u64(bytes + 16));
        d = mix(d, get_u64(bytes + 24));
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
}

void hash64_init(struct hash64 *hash)
{
    *hash = (struct hash64){ .lanes = { PRIME_1 + PRIME_2, PRIME_2, 0, 0 - PRIME_1 } };
}

void hash64_add(struct hash64 *hash, const void *bytes, size_t n)
{
    const uint8_t *next = bytes;
    size_t         n_rest = hash->n_bytes % STRIPE;

    hash->n_bytes += n;
    if (n_rest > 0) {
        size_t n_taken = MIN(n, STRIPE - n_rest);
        memcpy(hash->rest + n_rest, next, n_taken);
        next += n_taken;
        n -= n_taken;
        if (n_rest + n_taken < STRIPE)
            return;
        add_stripes(hash->lanes, hash->rest, 1);
    }
    add_stripes(hash->lanes, next, n / STRIPE);
    if (n % STRIPE > 0)
        memcpy(hash->rest, next + (n - n % STRIPE), n % STRIPE);
}

static uint64_t join_lanes(const struct hash64 *hash)
{
    const uint64_t *lanes = hash->lanes;

    if (hash->n_bytes < STRIPE)
        return lanes[2] + PRIME_5;
    uint64_t value =
        rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (size_t i = 0; i < 4; i++)
        value = (value ^ mix(0, lanes[i])) * PRIME_1 + PRIME_4;
    return value;
}

uint64_t hash64_value(const struct hash64 *hash)
{
    uint64_t       value = join_lanes(hash) + hash->n_bytes;
    const uint8_t *next = hash->rest, *end = next + hash->n_bytes % STRIPE;

    for (; end - next >= 8; next += 8)
        value = rotate(value ^ mix(0, get_u64(next)), 27) * PRIME_1 + PRIME_4;
    for (; end - next >= 4; next += 4)
        value = rotate(value ^ get_u32(next) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; next < end; next++)
        value = rotate(value ^ *next * PRIME_5, 11) * PRIME_1;
    value = (value ^ value >> 33) * PRIME_2;
    value = (value ^ value >> 29) * PRIME_3;
    return value ^ value >> 32;
}

uint64_t hash64_of(const void *bytes, size_t n)
{
    struct hash64 hash;

    hash64_init(&hash);
    hash64_add(&hash, bytes, n);
    return hash64_value(&hash);
}
