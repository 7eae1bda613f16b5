// SPDX-License-Identifier: MIT
#pragma once

// chunks: a chunked body, as it comes in.
//
// Read as strictly as the head: a size is one to eight hexadecimal digits and nothing else, each
// line ends with CR and LF, and there are neither extensions nor trailing fields.
//
// Source: RFC 9112, section 7.1.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_chunks {
    int      state;
    unsigned n_digits;
    uint64_t left; // of the chunk
};

// Takes of the `n` bytes those of one piece of the body, and what frames it: *ret_at and *ret_n say
// where it is, perhaps empty, *ret_used how many bytes are dealt with. Begins with { 0 }.
// 1: the body is over, 0: it goes on, -1: it is not well-formed.
int http_chunks_take(struct http_chunks *chunks, const char *bytes, size_t n, size_t *ret_at,
                     size_t *ret_n, size_t *ret_used);
