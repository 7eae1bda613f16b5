// SPDX-License-Identifier: MIT
#pragma once

// holders: how many bytes of bodies are kept for each of those who send them. A table of fixed
// size: two who happen to meet in it share what one of them may have.

#include <stddef.h>
#include <stdint.h>

struct holders;

struct holders *holders_new(void); // NULL: out of memory
struct holders *holders_free(struct holders *holders);
// The count of whoever has this number, as long as the table.
size_t *holders_find(struct holders *holders, uint64_t holder);
