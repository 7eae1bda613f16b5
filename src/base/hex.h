// SPDX-License-Identifier: MIT
#pragma once

// hex: bytes as hexadecimal digits, and back.

#include <stddef.h>
#include <stdint.h>

#define HEX_DIGITS "0123456789abcdef"

int hex_digit(char c); // its value, also of a capital; -1: it is none
// Writes 2 * n small digits and a NUL.
void hex_write(char *ret, const void *bytes, size_t n);
// Reads n bytes of 2 * n digits. -1: some of them are none; *ret is undefined then.
int hex_read(void *ret, size_t n, const char *digits);
