// SPDX-License-Identifier: MIT
#include "base/base32.h"

void base32_encode(char *ret, const uint8_t *bytes, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t          bits = 0;
    unsigned          n_bits = 0;

    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | bytes[i];
        for (n_bits += 8; n_bits >= 5; n_bits -= 5)
            *ret++ = letters[bits >> (n_bits - 5) & 31];
    }
    if (n_bits > 0)
        *ret++ = letters[bits << (5 - n_bits) & 31];
    *ret = '\0';
}
