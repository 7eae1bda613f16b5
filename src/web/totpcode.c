// SPDX-License-Identifier: MIT
#include "web/totpcode.h"

#include <sha1.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "base/macros.h"

#define BLOCK_BYTES 64u // of SHA-1
#define MODULUS     1000000u

// ---- HMAC-SHA-1 -------------------------------------------------------------------------------

// The hash of the key, each byte of which is changed, and the bytes. Source: RFC 2104, section 2.
static void hash_with(uint8_t ret[SHA1_DIGEST_LENGTH], const uint8_t key[BLOCK_BYTES],
                      uint8_t change, const void *bytes, size_t n)
{
    SHA1_CTX context;
    uint8_t  block[BLOCK_BYTES];

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ change;
    SHA1Init(&context);
    SHA1Update(&context, block, sizeof block);
    SHA1Update(&context, bytes, n);
    SHA1Final(ret, &context);
    sodium_memzero(block, sizeof block);
    sodium_memzero(&context, sizeof context);
}

// Of a key that is no longer than a block.
static void hmac(uint8_t ret[SHA1_DIGEST_LENGTH], const uint8_t *key, size_t n_key,
                 const void *bytes, size_t n)
{
    uint8_t block[BLOCK_BYTES] = { 0 }, inner[SHA1_DIGEST_LENGTH];

    memcpy(block, key, MIN(n_key, sizeof block));
    hash_with(inner, block, 0x36, bytes, n);
    hash_with(ret, block, 0x5c, inner, sizeof inner);
    sodium_memzero(block, sizeof block);
}

// ---- codes ------------------------------------------------------------------------------------

uint32_t totp_number(const uint8_t *secret, size_t n, uint64_t step)
{
    uint8_t  bytes[8], hash[SHA1_DIGEST_LENGTH];
    uint32_t number = 0;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(step >> (56 - 8 * i));
    hmac(hash, secret, n, bytes, sizeof bytes);
    const uint8_t *at = hash + (hash[sizeof hash - 1] & 15);
    for (size_t i = 0; i < 4; i++)
        number = number << 8 | at[i];
    return number & INT32_MAX;
}

bool totp_check(int64_t *ret_step, const uint8_t *secret, size_t n, const char *code,
                int64_t now_unix_s)
{
    int64_t now = now_unix_s / TOTP_STEP_S;
    bool    is_right = false;

    if (strnlen(code, TOTP_DIGITS + 1) != TOTP_DIGITS)
        return false;
    for (int64_t step = now - 1; step <= now + 1; step++) {
        char want[16];
        (void)snprintf(want, sizeof want, "%06u",
                       totp_number(secret, n, (uint64_t)step) % MODULUS); // it fits
        if (sodium_memcmp(want, code, TOTP_DIGITS) == 0) {
            is_right = true;
            *ret_step = step;
        }
    }
    return is_right;
}
