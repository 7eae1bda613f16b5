// SPDX-License-Identifier: MIT
#include "http/output.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/connection.h"

#define PIECES_MIN  8u
#define FRAME_BYTES 24u // 16 digits, CR, LF; CR, LF behind it; a NUL while it is written

// ---- shared bytes -----------------------------------------------------------------------------

struct http_bytes *http_bytes_new(struct http_server *server, size_t n)
{
    struct output_pool *pool = &server->outputs;
    size_t              size;

    if (__builtin_add_overflow(n, FRAME_BYTES + sizeof(struct http_bytes), &size) ||
        pool->n > pool->max || size > pool->max - pool->n)
        return NULL;
    struct http_bytes *bytes = malloc(size);
    if (!bytes)
        return NULL;
    pool->n += size;
    *bytes = (struct http_bytes){ .pool = pool, .n_refs = 1, .n = n };
    bytes->n_head = (size_t)snprintf(bytes->bytes, FRAME_BYTES, "%zx\r\n", n);
    bytes->bytes[bytes->n_head + n] = '\r';
    bytes->bytes[bytes->n_head + n + 1] = '\n';
    return bytes;
}

char *http_bytes_at(struct http_bytes *bytes)
{
    return bytes->bytes + bytes->n_head;
}

struct http_bytes *http_bytes_ref(struct http_bytes *bytes)
{
    bytes->n_refs++;
    return bytes;
}

struct http_bytes *http_bytes_unref(struct http_bytes *bytes)
{
    if (bytes && --bytes->n_refs == 0) {
        bytes->pool->n -= sizeof *bytes + FRAME_BYTES + bytes->n;
        free(bytes);
    }
    return NULL;
}

void http_bytes_unrefp(struct http_bytes **bytes)
{
    *bytes = http_bytes_unref(*bytes);
}

// ---- copied ones ------------------------------------------------------------------------------

size_t output_pending(const struct output *output)
{
    return output->n - output->at + output->n_in_pieces;
}

bool output_reserve(struct output *output, size_t n)
{
    if (output->at == output->n)
        output->at = output->n = 0;
    if (output->size - output->n >= n)
        return true;
    if (output->at > 0) {
        memmove(output->bytes, output->bytes + output->at, output->n - output->at);
        output->n -= output->at;
        output->at = 0;
    }
    if (output->size - output->n >= n)
        return true;
    size_t size = MAX(output->size * 2, output->n + n);
    if (size - output->size > output->pool->max - output->pool->n)
        return false;
    char *bytes = realloc(output->bytes, size);
    if (!bytes)
        return false;
    output->pool->n += size - output->size;
    output->bytes = bytes;
    output->size = size;
    return true;
}

bool output_add(struct output *output, const void *bytes, size_t n)
{
    assert(output->n_pieces == 0);
    if (!output_reserve(output, n))
        return false;
    if (n > 0)
        memcpy(output->bytes + output->n, bytes, n);
    output->n += n;
    return true;
}

bool output_print(struct output *output, const char *format, ...)
{
    char    text[512];
    va_list list;

    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    assert(n >= 0 && (size_t)n < sizeof text);
    return output_add(output, text, (size_t)n);
}

// ---- pieces -----------------------------------------------------------------------------------

// Room for one more behind the last.
static bool pieces_reserve(struct output *output)
{
    if (output->first + output->n_pieces < output->pieces_size)
        return true;
    if (output->first > 0) {
        memmove(output->pieces, output->pieces + output->first,
                output->n_pieces * sizeof *output->pieces);
        output->first = 0;
        return true;
    }
    unsigned      size = MAX(output->pieces_size * 2, PIECES_MIN);
    struct piece *pieces = reallocarray(output->pieces, size, sizeof *pieces);
    if (!pieces)
        return false;
    if (!output->pieces)
        pieces[0] = output->one;
    output->pieces = pieces;
    output->pieces_size = size;
    return true;
}

bool output_add_piece(struct output *output, const char *bytes, size_t n, struct http_bytes *of)
{
    struct piece piece = { bytes, n, of };

    if (n == 0)
        return true;
    if (output->n_pieces == 0 && !output->pieces)
        output->one = piece;
    else if (pieces_reserve(output))
        output->pieces[output->first + output->n_pieces] = piece;
    else
        return false;
    if (of)
        (void)http_bytes_ref(of); // it is in the piece
    output->n_pieces++;
    output->n_in_pieces += n;
    return true;
}

static struct piece *first_piece(struct output *output)
{
    return output->pieces ? &output->pieces[output->first] : &output->one;
}

static void drop_first(struct output *output)
{
    struct piece *piece = first_piece(output);

    output->n_in_pieces -= piece->n;
    piece->of = http_bytes_unref(piece->of);
    output->n_pieces--;
    output->first = output->pieces && output->n_pieces > 0 ? output->first + 1 : 0;
}

// ---- all of them ------------------------------------------------------------------------------

int output_vectors(const struct output *output, struct iovec *ret, unsigned n_ret)
{
    const struct piece *pieces = output->pieces ? &output->pieces[output->first] : &output->one;
    unsigned            n = 0;

    if (output->n > output->at)
        ret[n++] = (struct iovec){ output->bytes + output->at, output->n - output->at };
    for (unsigned i = 0; i < output->n_pieces && n < n_ret; i++)
        ret[n++] = (struct iovec){ (char *)(uintptr_t)pieces[i].bytes, pieces[i].n };
    return (int)n;
}

void output_skip(struct output *output, size_t n)
{
    size_t n_copied = MIN(n, output->n - output->at);

    output->at += n_copied;
    n -= n_copied;
    while (n > 0) {
        struct piece *piece = first_piece(output);
        assert(output->n_pieces > 0);
        if (n < piece->n) {
            piece->bytes += n;
            piece->n -= n;
            output->n_in_pieces -= n;
            return;
        }
        n -= piece->n;
        drop_first(output);
    }
}

void output_done(struct output *output)
{
    while (output->n_pieces > 0)
        drop_first(output);
    free(output->pieces);
    free(output->bytes);
    output->pool->n -= output->size;
    *output = (struct output){ .pool = output->pool };
}
