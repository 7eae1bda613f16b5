// SPDX-License-Identifier: MIT
#pragma once

// number: text to bounded integers, strictly. No sign, no space, no octal, no trailing byte.

#include <stdint.h>
#include "base/error.h"

// Reads the whole of `text` (decimal digits) into *ret if min <= value <= max.
int number_parse_u64(uint64_t *ret, const char *text, uint64_t min, uint64_t max, struct error *err)
    MUST_USE;
int number_parse_u32(uint32_t *ret, const char *text, uint32_t min, uint32_t max, struct error *err)
    MUST_USE;
int number_parse_u16(uint16_t *ret, const char *text, uint16_t min, uint16_t max, struct error *err)
    MUST_USE;
// Like u64 with an optional suffix K, M, G or T (powers of 1024): "4G" is 4294967296 bytes.
int number_parse_bytes(uint64_t *ret, const char *text, uint64_t min, uint64_t max,
                       struct error *err) MUST_USE;
