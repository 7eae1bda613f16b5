// SPDX-License-Identifier: MIT
#pragma once

// output: bytes on their way to one client: first copied ones, then pieces that lie elsewhere: they
// stay where they are, or have somebody who counts who needs them.

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include "base/macros.h"
#include "http/server.h"

// How much there is of all that is copied, together.
struct output_pool {
    size_t n, max;
};

struct piece {
    const char        *bytes;
    size_t             n;
    struct http_bytes *of; // NULL: they stay where they are
};

// Starts as { .pool = … }.
struct output {
    struct output_pool *pool;
    char               *bytes;
    size_t              at, n, size;
    struct piece        one;    // of many who have a piece there is no more than one
    struct piece       *pieces; // NULL: `one`, if there is any
    unsigned            first, n_pieces, pieces_size;
    size_t              n_in_pieces; // bytes
};

// Bytes with room in front of them and behind for the frame of a chunk.
struct http_bytes {
    struct output_pool *pool;
    unsigned            n_refs;
    size_t              n_head, n; // of the frame in front, of what is within
    char                bytes[];
};

size_t output_pending(const struct output *output);
void   output_done(struct output *output); // as at the start

// False: there is no room for it. Once there are pieces, nothing is copied any more.
bool output_reserve(struct output *output, size_t n);
bool output_add(struct output *output, const void *bytes, size_t n);
bool output_print(struct output *output, const char *format, ...) PRINTF_LIKE(2, 3);
// `of` is counted up, if it is not NULL.
bool output_add_piece(struct output *output, const char *bytes, size_t n, struct http_bytes *of);

// Fills in what is next; how many there are.
int  output_vectors(const struct output *output, struct iovec *ret, unsigned n_ret);
void output_skip(struct output *output, size_t n); // these are sent
