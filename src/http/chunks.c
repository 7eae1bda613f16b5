// SPDX-License-Identifier: MIT
#include "http/chunks.h"

#include "base/macros.h"

#define DIGITS_MAX 8u

enum {
    IN_SIZE,
    BEFORE_LF, // of the size
    IN_CHUNK,
    BEHIND_CHUNK_CR, // CR and LF behind it
    BEHIND_CHUNK_LF,
    LAST_CR, // of the empty line at the end
    LAST_LF,
    OVER,
};

static int take_size(struct http_chunks *chunks, char c)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;

    if (digit >= 0 && chunks->n_digits < DIGITS_MAX) {
        chunks->left = chunks->left << 4 | (unsigned)digit;
        chunks->n_digits++;
        return 0;
    }
    if (c != '\r' || chunks->n_digits == 0)
        return -1;
    chunks->state = BEFORE_LF;
    return 0;
}

static int take_mark(struct http_chunks *chunks, char c, char want, int next)
{
    if (c != want)
        return -1;
    chunks->state = next;
    return 0;
}

// A byte that is not of the body.
static int take_frame(struct http_chunks *chunks, char c)
{
    switch (chunks->state) {
    case IN_SIZE:
        return take_size(chunks, c);
    case BEFORE_LF:
        chunks->n_digits = 0;
        return take_mark(chunks, c, '\n', chunks->left > 0 ? IN_CHUNK : LAST_CR);
    case BEHIND_CHUNK_CR:
        return take_mark(chunks, c, '\r', BEHIND_CHUNK_LF);
    case BEHIND_CHUNK_LF:
        return take_mark(chunks, c, '\n', IN_SIZE);
    case LAST_CR:
        return take_mark(chunks, c, '\r', LAST_LF);
    case LAST_LF:
        return take_mark(chunks, c, '\n', OVER);
    default:
        return -1;
    }
}

int http_chunks_take(struct http_chunks *chunks, const char *bytes, size_t n, size_t *ret_at,
                     size_t *ret_n, size_t *ret_used)
{
    size_t used = 0;

    *ret_n = *ret_at = *ret_used = 0;
    while (used < n && chunks->state != IN_CHUNK && chunks->state != OVER)
        if (take_frame(chunks, bytes[used++]) < 0)
            return -1;
    if (chunks->state == IN_CHUNK && used < n) {
        *ret_at = used;
        *ret_n = (size_t)MIN(chunks->left, (uint64_t)(n - used));
        chunks->left -= *ret_n;
        used += *ret_n;
        if (chunks->left == 0)
            chunks->state = BEHIND_CHUNK_CR;
    }
    *ret_used = used;
    return chunks->state == OVER;
}
