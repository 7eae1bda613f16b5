// SPDX-License-Identifier: MIT
#include "build/outlet.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/fd.h"
#include "base/text.h"

#define FRAME_MAX 64u // bytes of priority, mark and line feed

_Static_assert(OUTLET_BYTES >= OUTLET_LINE_MAX + FRAME_MAX, "a line has room");

void outlet_init(struct outlet *ret, int fd, uint64_t lines_max, uint64_t bytes_max)
{
    ret->fd = fd;
    ret->lines_left = lines_max;
    ret->bytes_left = bytes_max;
    ret->is_full = ret->is_broken = false;
    ret->n = 0;
}

void outlet_flush(struct outlet *outlet)
{
    struct error ignored; // there is nobody left to tell

    if (outlet->n > 0 && !outlet->is_broken &&
        fd_write_all(outlet->fd, outlet->bytes, outlet->n, &ignored) < 0)
        outlet->is_broken = true;
    outlet->n = 0;
}

static void put(struct outlet *outlet, enum log_level level, const char *text, size_t n,
                const char *mark)
{
    if (sizeof outlet->bytes - outlet->n < n + FRAME_MAX)
        outlet_flush(outlet);
    char  *at = outlet->bytes + outlet->n, *end = outlet->bytes + sizeof outlet->bytes;
    size_t n_head = (size_t)snprintf(at, FRAME_MAX, "<%d>", (int)level);
    at += n_head;
    at += text_sanitize(at, (size_t)(end - at), text, n);
    at += snprintf(at, (size_t)(end - at), "%s\n", mark); // it fits: there is room for a frame
    outlet->n = (size_t)(at - outlet->bytes);
}

void outlet_add(struct outlet *outlet, enum log_level level, const char *text, size_t n,
                uint64_t n_cut)
{
    char mark[FRAME_MAX - 8] = "";

    if (outlet->is_full)
        return;
    if (outlet->lines_left == 0 || outlet->bytes_left < n) {
        outlet->is_full = true;
        outlet_say(outlet, LEVEL_NOTICE, "the rest of the output is dropped");
        return;
    }
    outlet->lines_left--;
    outlet->bytes_left -= n;
    if (n_cut > 0)
        (void)snprintf(mark, sizeof mark, "… (%" PRIu64 " bytes cut)", n_cut); // it fits
    put(outlet, level, text, MIN(n, OUTLET_LINE_MAX), mark);
}

void outlet_say(struct outlet *outlet, enum log_level level, const char *format, ...)
{
    char    text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); // sentences are short
    va_end(args);
    put(outlet, level, text, strlen(text), "");
}
