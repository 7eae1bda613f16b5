// SPDX-License-Identifier: MIT
#pragma once

// names: the names in a directory, read without allocating anything.

#include <stddef.h>

#define NAMES_BYTES 8192u

struct names {
    int    fd; // the caller's
    size_t n, at;
    _Alignas(8) char bytes[NAMES_BYTES];
};

// Begins at the position that `fd` has. The bytes are left as they are.
void names_begin(struct names *names, int fd);
// 1: *ret_name is the next name, never "." or "..", borrowed until the next call; 0: the end; -1
// with errno.
int names_next(const char **ret_name, struct names *names);
