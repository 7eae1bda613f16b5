// SPDX-License-Identifier: MIT
#pragma once

// bzip: a small bzip2 compressor, because there is no 32-bit libbz2 on the machines we build on.
// One block, one fixed-length prefix code: valid for every reader, not small.

#include <stddef.h>
#include <stdint.h>

#define BZIP_INPUT_MAX 65536u // bytes

// Writes the whole bzip2 stream and returns its length; 0 when it does not fit into `room`.
size_t bzip_compress(uint8_t *ret, size_t room, const uint8_t *bytes, size_t n_bytes);
