// SPDX-License-Identifier: MIT
#pragma once

// arguments: the file by which the control plane tells the supervisor how to start the game.
//
// NUL-terminated strings: first the game port in decimal, then every argument after argv[0].

#include <stdint.h>
#include "base/error.h"

#define ARGUMENTS_BYTES_MAX 65536u
#define ARGUMENTS_MAX       512u

struct arguments {
    uint16_t port;
    char *argv[ARGUMENTS_MAX + 2]; // argv[0] is `program`; borrowed from the bytes; NULL at the end
};

// Splits `bytes` (which must outlive *ret).
int arguments_parse(struct arguments *ret, char *bytes, size_t n_bytes, char *program,
                    struct error *err) MUST_USE;
