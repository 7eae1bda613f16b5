// SPDX-License-Identifier: MIT
#include "host/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

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

void buffer_add_escaped(struct buffer *text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t length = text_character(bytes + i, n - i);
        if (length > 0 && !text_is_control(bytes + i, length) &&
            !text_is_direction(bytes + i, length) && bytes[i] != '\\') {
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
        size_t length = text_character(bytes + i, n - i);
        if (length > 0)
            buffer_add(text, bytes + i, length);
        else
            buffer_add_string(text, "\xef\xbf\xbd");
        i += MAX(length, (size_t)1);
    }
}
