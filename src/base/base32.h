// SPDX-License-Identifier: MIT
#pragma once

// base32: bytes as letters and digits that can be typed. Source: RFC 4648, section 6; in capital
// letters, without padding.

#include <stddef.h>
#include <stdint.h>

// Characters, the NUL included, of `n` bytes.
#define BASE32_SIZE(n) (((n)*8 + 4) / 5 + 1)

void base32_encode(char *ret, const uint8_t *bytes, size_t n);
