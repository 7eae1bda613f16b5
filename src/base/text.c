// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <stdint.h>
#include <string.h>
#include "base/macros.h"

// Which first and second bytes go together; what follows them is 80 to BF.
static const struct {
    uint8_t first_min, first_max, second_min, second_max, length;
} forms[] = {
    { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
    { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
    { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t text_character(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; n > 0 && i < ELEMENTS(forms); i++) {
        size_t length = forms[i].length;
        if (p[0] < forms[i].first_min || p[0] > forms[i].first_max)
            continue;
        if (length > n ||
            (length > 1 && (p[1] < forms[i].second_min || p[1] > forms[i].second_max)))
            return 0;
        for (size_t j = 2; j < length; j++)
            if ((p[j] & 0xc0) != 0x80)
                return 0;
        return length;
    }
    return 0;
}

// Latin-1 has control characters too, which UTF-8 writes as C2 80 … C2 9F.
bool text_is_control(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;

    return length > 0 &&
           (p[0] < 0x20 || p[0] == 0x7f || (length == 2 && p[0] == 0xc2 && p[1] < 0xa0));
}

bool text_is_direction(const void *bytes, size_t length)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = { { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2066, 0x2069 } };
    const uint8_t *p = bytes;
    uint32_t       code = 0;

    if (length == 2)
        code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    else if (length == 3)
        code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    for (size_t i = 0; i < ELEMENTS(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

bool text_is_plain(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n;) {
        size_t length = text_character(p + i, n - i);
        if (length == 0 || text_is_control(p + i, length))
            return false;
        i += length;
    }
    return true;
}

static bool is_shown(const uint8_t *bytes, size_t length)
{
    return length > 0 && (bytes[0] == '\t' || !text_is_control(bytes, length)) &&
           !text_is_direction(bytes, length);
}

size_t text_sanitize(char *ret, size_t n_ret, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t         done = 0;

    for (size_t i = 0; i < n;) {
        size_t length = text_character(p + i, n - i);
        bool   is_clean = is_shown(p + i, length);
        size_t out = is_clean ? length : 1;
        if (done + out >= n_ret)
            break;
        if (is_clean)
            memcpy(ret + done, p + i, length);
        else
            ret[done] = '?';
        done += out;
        i += length ? length : 1;
    }
    ret[done] = '\0';
    return done;
}
