// SPDX-License-Identifier: MIT
#include "host/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool buffer_reserve(struct buffer *text, size_t n)
{
    if (text->is_failed || n > BUFFER_MAX - text->n) {
        text->is_failed = true;
        return false;
    }
    size_t need = text->n + n + 1;
    if (need <= text->capacity)
        return true;

    size_t capacity = MAX(need, MAX(text->capacity * 2, (size_t)256));
    char  *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->is_failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void buffer_add(struct buffer *text, const void *bytes, size_t n)
{
    if (!buffer_reserve(text, n))
        return;
    if (n > 0)
        memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = '\0';
}

void buffer_add_string(struct buffer *text, const char *string)
{
    buffer_add(text, string, strlen(string));
}

void buffer_printf(struct buffer *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !buffer_reserve(text, (size_t)n))
        return;
    va_start(args, format);
    (void)vsnprintf(text->bytes + text->n, (size_t)n + 1, format, args); // measured above
    va_end(args);
    text->n += (size_t)n;
}

int buffer_check(const struct buffer *text, struct error *err)
{
    if (text->is_failed)
        return error_sys(err, ENOMEM, "putting a text together");
    return 0;
}

void buffer_done(struct buffer *text)
{
    free(text->bytes);
    *text = (struct buffer){ 0 };
}

void strings_add(struct strings *strings, const char *bytes, size_t n)
{
    buffer_add(&strings->text, bytes, n);
    buffer_add(&strings->text, "", 1);
    strings->n++;
}

const char *strings_next(const struct strings *strings, const char *previous)
{
    const char *next = previous ? previous + strlen(previous) + 1 : strings->text.bytes;

    return strings->text.n > 0 && next < strings->text.bytes + strings->text.n ? next : NULL;
}

bool strings_equal(const struct strings *a, const struct strings *b)
{
    return a->text.n == b->text.n &&
           (a->text.n == 0 || memcmp(a->text.bytes, b->text.bytes, a->text.n) == 0);
}

void strings_done(struct strings *strings)
{
    buffer_done(&strings->text);
    strings->n = 0;
}

// Source: RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t buffer_utf8_length(const char *bytes, size_t n)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max, length;
    } forms[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    const uint8_t *p = (const uint8_t *)bytes;

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

// Control bytes of ASCII, and those of Latin-1 that UTF-8 writes as C2 80 … C2 9F.
static bool is_control(const char *bytes, size_t length)
{
    uint8_t first = (uint8_t)bytes[0];

    return first < 0x20 || first == 0x7f ||
           (length == 2 && first == 0xc2 && (uint8_t)bytes[1] < 0xa0);
}

void buffer_add_escaped(struct buffer *text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t length = buffer_utf8_length(bytes + i, n - i);
        if (length > 0 && !is_control(bytes + i, length) && bytes[i] != '\\') {
            buffer_add(text, bytes + i, length);
        } else {
            length = MAX(length, (size_t)1);
            for (size_t j = 0; j < length; j++)
                buffer_printf(text, "\\x%02x", (uint8_t)bytes[i + j]);
        }
        i += length;
    }
}

void buffer_add_utf8(struct buffer *text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t length = buffer_utf8_length(bytes + i, n - i);
        if (length > 0)
            buffer_add(text, bytes + i, length);
        else
            buffer_add_string(text, "\xef\xbf\xbd");
        i += MAX(length, (size_t)1);
    }
}
