// SPDX-License-Identifier: MIT
#include "steam/lines.h"

void lines_finish(struct lines *lines, lines_take *take, void *user)
{
    if (lines->n > 0 && !lines->is_dropping)
        take(user, lines->text, lines->n);
    lines->n = 0;
    lines->is_dropping = false;
}

void lines_feed(struct lines *lines, const char *bytes, size_t n_bytes, lines_take *take,
                void *user)
{
    for (size_t i = 0; i < n_bytes; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            lines_finish(lines, take, user);
            continue;
        }
        if (lines->is_dropping)
            continue;
        lines->text[lines->n++] = bytes[i];
        if (lines->n == sizeof lines->text) {
            take(user, lines->text, lines->n);
            lines->is_dropping = true;
        }
    }
}
