// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The length of the well-formed character at `p`, 0 if there is none. Source: RFC 3629, section 4.
static size_t character_length(const uint8_t *p, size_t n)
{
    size_t   length;
    uint32_t min, code;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        length = 2, min = 0x80, code = p[0] & 0x1fu;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        length = 3, min = 0x800, code = p[0] & 0x0fu;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        length = 4, min = 0x10000, code = p[0] & 0x07u;
    } else {
        return 0;
    }
    if (n < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : length;
}

size_t text_sanitize(char *ret, size_t n_ret, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t         done = 0;

    for (size_t i = 0; i < n;) {
        size_t length = character_length(p + i, n - i);
        bool   is_control = length == 1 && ((p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f);
        // U+0080 to U+009F are control characters too
        if (length == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0)
            is_control = true;
        size_t out = length == 0 || is_control ? 1 : length;
        if (done + out >= n_ret)
            break;
        if (length == 0 || is_control)
            ret[done] = '?';
        else
            memcpy(ret + done, p + i, length);
        done += out;
        i += length ? length : 1;
    }
    ret[done] = '\0';
    return done;
}
