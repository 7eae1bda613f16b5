// SPDX-License-Identifier: MIT
#include "pak/crc32.h"

#include <libdeflate.h>

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t n_bytes)
{
    return libdeflate_crc32(crc, bytes, n_bytes);
}
