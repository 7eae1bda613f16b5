// SPDX-License-Identifier: MIT
#include "web/throttle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "base/macros.h"

#define WAYS           8u // rows that one key may be in
#define NAME_MAX_BYTES 64u

_Static_assert((THROTTLE_ROWS & (THROTTLE_ROWS - 1)) == 0, "a power of two");

struct row {
    uint64_t hash; // 0: it is empty
    uint32_t n_failed;
    int64_t  last_unix_s;
};

struct throttle {
    uint8_t    key[crypto_shorthash_KEYBYTES]; // so that nobody can choose who meets whom
    struct row rows[THROTTLE_ROWS];
};

struct throttle *throttle_new(void)
{
    struct throttle *throttle = calloc(1, sizeof *throttle);

    if (throttle)
        randombytes_buf(throttle->key, sizeof throttle->key);
    return throttle;
}

struct throttle *throttle_free(struct throttle *throttle)
{
    free(throttle);
    return NULL;
}

// ---- keys -------------------------------------------------------------------------------------

static struct throttle_key make_key(const struct throttle *throttle, const void *bytes, size_t n)
{
    struct throttle_key key;
    uint8_t             hash[crypto_shorthash_BYTES];

    (void)crypto_shorthash(hash, bytes, n, throttle->key); // it does not fail
    memcpy(&key.hash, hash, sizeof key.hash);
    key.hash += !key.hash;
    return key;
}

struct throttle_key throttle_of_address(const struct throttle     *throttle,
                                        const struct http_address *address)
{
    struct http_address customer;
    uint8_t             bytes[2 + sizeof customer.ip] = { 'a' };

    http_address_customer(&customer, address);
    bytes[1] = customer.is_local;
    memcpy(bytes + 2, &customer.ip, sizeof customer.ip);
    return make_key(throttle, bytes, sizeof bytes);
}

struct throttle_key throttle_of_account(const struct throttle *throttle, const char *name)
{
    uint8_t bytes[1 + NAME_MAX_BYTES] = { 'n' };
    size_t  n = strnlen(name, NAME_MAX_BYTES);

    for (size_t i = 0; i < n; i++)
        bytes[1 + i] = (uint8_t)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    return make_key(throttle, bytes, 1 + n);
}

// ---- rows -------------------------------------------------------------------------------------

static const struct row *find(const struct throttle *throttle, struct throttle_key key)
{
    for (size_t i = 0; i < WAYS; i++) {
        const struct row *row = &throttle->rows[(key.hash + i) & (THROTTLE_ROWS - 1)];
        if (row->hash == key.hash)
            return row;
    }
    return NULL;
}

// Its own row, or the one that was not used for longest.
static struct row *find_or_take(struct throttle *throttle, struct throttle_key key)
{
    struct row *oldest = &throttle->rows[key.hash & (THROTTLE_ROWS - 1)];

    for (size_t i = 0; i < WAYS; i++) {
        struct row *row = &throttle->rows[(key.hash + i) & (THROTTLE_ROWS - 1)];
        if (row->hash == key.hash)
            return row;
        if (!row->hash || row->last_unix_s < oldest->last_unix_s)
            oldest = oldest->hash ? row : oldest;
    }
    *oldest = (struct row){ .hash = key.hash };
    return oldest;
}

// A clock that was set back must not lock anybody out.
static int64_t age_s(const struct row *row, int64_t now_unix_s)
{
    return now_unix_s >= row->last_unix_s ? now_unix_s - row->last_unix_s : THROTTLE_FORGET_S;
}

static bool is_slowed(const struct row *row, int64_t now_unix_s)
{
    return row && row->n_failed >= THROTTLE_FREE && age_s(row, now_unix_s) < THROTTLE_FORGET_S;
}

bool throttle_is_known(const struct throttle *throttle, struct throttle_key key, int64_t now_unix_s)
{
    return is_slowed(find(throttle, key), now_unix_s);
}

unsigned throttle_wait_s(const struct throttle *throttle, struct throttle_key key,
                         int64_t now_unix_s)
{
    const struct row *row = find(throttle, key);

    if (!is_slowed(row, now_unix_s))
        return 0;
    unsigned doublings = MIN(row->n_failed - THROTTLE_FREE, 10u);
    int64_t  wait_s = MIN(1u << doublings, THROTTLE_MAX_S);
    return (unsigned)MAX(wait_s - age_s(row, now_unix_s), 0);
}

void throttle_failed(struct throttle *throttle, struct throttle_key key, int64_t now_unix_s)
{
    struct row *row = find_or_take(throttle, key);

    if (row->n_failed > 0 && age_s(row, now_unix_s) >= THROTTLE_FORGET_S)
        row->n_failed = 0;
    if (row->n_failed < UINT32_MAX)
        row->n_failed++;
    row->last_unix_s = now_unix_s;
}

void throttle_succeeded(struct throttle *throttle, struct throttle_key key)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct row *row = &throttle->rows[(key.hash + i) & (THROTTLE_ROWS - 1)];
        if (row->hash == key.hash)
            *row = (struct row){ 0 };
    }
}
