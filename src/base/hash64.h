// SPDX-License-Identifier: MIT
#pragma once

// hash64: 64 bits that tell one sequence of bytes from another, as fast as memory is read.
//
// No protection against somebody who looks for two inputs with one value: where that matters, it
// is the wrong function. The values are those of XXH64 with seed 0, the same on every machine.
// Source: "xxHash fast digest algorithm", doc/xxhash_spec.md of the project of that name.

#include <stddef.h>
#include <stdint.h>

struct hash64 {
    uint64_t lanes[4];
    uint64_t n_bytes;
    uint8_t  rest[32]; // of the last stripe, not whole yet
};

void     hash64_init(struct hash64 *hash);
void     hash64_add(struct hash64 *hash, const void *bytes, size_t n);
uint64_t hash64_value(const struct hash64 *hash); // of what was added so far

uint64_t hash64_of(const void *bytes, size_t n); // of these bytes alone
