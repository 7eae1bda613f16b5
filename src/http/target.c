// SPDX-License-Identifier: MIT
#include "http/request.h"

#include <string.h>
#include "base/hex.h"
#include "base/text.h"

// The byte at *at, decoded; *at moves behind it. -1: a '%' without two digits.
static int take_byte(struct http_text text, size_t *at)
{
    if (text.bytes[*at] != '%')
        return (unsigned char)text.bytes[(*at)++];
    if (text.n - *at < 3)
        return -1;
    int high = hex_digit(text.bytes[*at + 1]), low = hex_digit(text.bytes[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_part(const char *part, size_t n)
{
    return n > 0 && !(n == 1 && part[0] == '.') && !(n == 2 && memcmp(part, "..", 2) == 0);
}

// Each part between slashes is a name; behind the last slash there may be none.
static bool has_parts(const char *path, size_t n)
{
    for (size_t at = 1; at < n;) {
        const char *slash = memchr(path + at, '/', n - at);
        size_t      n_part = slash ? (size_t)(slash - path) - at : n - at;
        if (!is_part(path + at, n_part))
            return false;
        at += n_part + 1;
    }
    return true;
}

int http_path_decode(char *ret, size_t size, struct http_text path)
{
    size_t n = 0;

    for (size_t at = 0; at < path.n;) {
        bool is_plain = path.bytes[at] != '%';
        int  byte = take_byte(path, &at);
        if (byte < 0 || byte == '\\' || (byte == '/' && !is_plain) || n + 1 >= size)
            return -1;
        ret[n++] = (char)byte;
    }
    if (n == 0 || size == 0)
        return -1;
    ret[n] = '\0';
    return ret[0] == '/' && text_is_plain(ret, n) && has_parts(ret, n) ? 0 : -1;
}

// ---- the query --------------------------------------------------------------------------------

// Decodes a name or a value, in which '+' is a space; -1: it is not well-formed, or too long.
static int decode(char *ret, size_t size, struct http_text text)
{
    size_t n = 0;

    for (size_t at = 0; at < text.n;) {
        bool is_space = text.bytes[at] == '+';
        int  byte = take_byte(text, &at);
        if (byte < 0 || n + 1 >= size)
            return -1;
        ret[n++] = is_space ? ' ' : (char)byte;
    }
    if (size == 0 || !text_is_plain(ret, n))
        return -1;
    ret[n] = '\0';
    return 0;
}

static bool is_name(struct http_text text, const char *name)
{
    size_t at = 0;

    while (at < text.n && *name)
        if (take_byte(text, &at) != (unsigned char)*name++)
            return false;
    return at == text.n && !*name;
}

int http_query_find(char *ret, size_t size, struct http_text query, const char *name)
{
    bool is_found = false;

    for (size_t at = 0; at < query.n;) {
        const char      *begin = query.bytes + at;
        const char      *end = memchr(begin, '&', query.n - at);
        size_t           n = end ? (size_t)(end - begin) : query.n - at;
        const char      *equal = memchr(begin, '=', n);
        struct http_text key = { begin, equal ? (size_t)(equal - begin) : n };
        struct http_text value = { equal ? equal + 1 : begin + n, equal ? n - key.n - 1 : 0 };
        at += n + 1;
        if (!is_name(key, name))
            continue;
        if (is_found || decode(ret, size, value) < 0)
            return -1;
        is_found = true;
    }
    return is_found;
}
