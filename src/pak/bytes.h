// SPDX-License-Identifier: MIT
#pragma once

// bytes: little-endian numbers at any address, and questions to eight bytes at once.

#include <stdint.h>
#include <string.h>

// Which of the eight bytes of a word equal `b`, or are below it (at most 128): the top bit of each.
// Above the first that is, others may be set that are not: the lowest is right, and so is zero.
#define BYTES_ONES        UINT64_C(0x0101010101010101)
#define BYTES_TOPS        (0x80 * BYTES_ONES)
#define BYTES_ZERO(x)     (((x)-BYTES_ONES) & ~(x)&BYTES_TOPS)
#define BYTES_ARE(x, b)   BYTES_ZERO((x) ^ (b)*BYTES_ONES)
#define BYTES_BELOW(x, b) (((x) - (b)*BYTES_ONES) & ~(x)&BYTES_TOPS)

static inline uint16_t bytes_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t bytes_u32(const uint8_t *bytes)
{
    return bytes_u16(bytes) | (uint32_t)bytes_u16(bytes + 2) << 16;
}

static inline uint64_t bytes_word(const void *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}
