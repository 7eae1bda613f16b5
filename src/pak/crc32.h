// SPDX-License-Identifier: MIT
#pragma once

// crc32: the checksum of zip, used by VPK entries and by compressed A2S answers.

#include <stddef.h>
#include <stdint.h>

// The checksum of `n_bytes` more bytes after those that gave `crc`; start with 0.
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t n_bytes);
