// SPDX-License-Identifier: MIT
#include "base/hex.h"

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void hex_write(char *ret, const void *bytes, size_t n)
{
    static const char digits[] = HEX_DIGITS;
    const uint8_t    *p = bytes;

    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[p[i] >> 4];
        ret[2 * i + 1] = digits[p[i] & 0xf];
    }
    ret[2 * n] = '\0';
}

int hex_read(void *ret, size_t n, const char *digits)
{
    uint8_t *p = ret;

    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(digits[2 * i]);
        int low = high < 0 ? -1 : hex_digit(digits[2 * i + 1]);
        if (low < 0)
            return -1;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
