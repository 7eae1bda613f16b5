// SPDX-License-Identifier: MIT
#include "pak/encoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "pak/bytes.h"

// The characters of Windows-1252 that are not those of Latin-1. 0: there is none.
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static bool is_control(uint32_t code)
{
    bool is_blank = code == '\t' || code == '\n' || code == '\r';

    return (code < 0x20 && !is_blank) || (code >= 0x7f && code < 0xa0);
}

// Appends a character, or '?' for one that nobody may see. Returns where the next goes.
static char *put(char *to, uint32_t code)
{
    if (is_control(code) || (code >= 0xd800 && code < 0xe000)) {
        *to++ = '?';
    } else if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static uint32_t unit_16(const uint8_t *bytes, bool is_big)
{
    uint16_t unit = bytes_u16(bytes);

    return is_big ? __builtin_bswap16(unit) : unit;
}

// An odd byte at the end is none.
static char *from_utf_16(char *to, const uint8_t *bytes, size_t n_bytes, bool is_big)
{
    for (size_t i = 0; i + 2 <= n_bytes; i += 2) {
        uint32_t code = unit_16(bytes + i, is_big);
        if (code == 0)
            break;
        if (code >= 0xd800 && code < 0xdc00 && i + 4 <= n_bytes) {
            uint32_t low = unit_16(bytes + i + 2, is_big);
            if (low >= 0xdc00 && low < 0xe000) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        to = put(to, code);
    }
    return to;
}

static char *from_bytes(char *to, const uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes && bytes[i];) {
        size_t length = text_character(bytes + i, n_bytes - i);
        if (length > 1 && !text_is_control(bytes + i, length)) {
            memcpy(to, bytes + i, length);
            to += length;
            i += length;
            continue;
        }
        uint32_t code = bytes[i];
        if (length > 1)
            code = 0x80; // a control character of Latin-1
        else if (code >= 0x80 && code < 0xa0)
            code = windows_1252[code - 0x80] ? windows_1252[code - 0x80] : code;
        to = put(to, code);
        i += MAX(length, 1);
    }
    return to;
}

static bool begins_with(const uint8_t *bytes, size_t n_bytes, const char *mark)
{
    return n_bytes >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0;
}

int encoding_to_utf8(char **ret, size_t *ret_n, const uint8_t *bytes, size_t n_bytes,
                     struct error *err)
{
    if (n_bytes > ENCODING_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "longer than %u bytes", ENCODING_BYTES_MAX);

    // A byte becomes three at most: those of the euro sign.
    AUTO(freep)
    char *text = malloc(3 * n_bytes + 1);
    if (!text)
        return error_sys(err, ENOMEM, "reading a text");

    char *end;
    if (begins_with(bytes, n_bytes, "\xff\xfe"))
        end = from_utf_16(text, bytes + 2, n_bytes - 2, false);
    else if (begins_with(bytes, n_bytes, "\xfe\xff"))
        end = from_utf_16(text, bytes + 2, n_bytes - 2, true);
    else if (begins_with(bytes, n_bytes, "\xef\xbb\xbf"))
        end = from_bytes(text, bytes + 3, n_bytes - 3);
    else
        end = from_bytes(text, bytes, n_bytes);
    *end = '\0';
    *ret_n = (size_t)(end - text);
    *ret = TAKE(text);
    return 0;
}
