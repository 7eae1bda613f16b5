// SPDX-License-Identifier: MIT
#pragma once

// vpkscan: reads what is wanted of a file once, from front to back, and sums up pieces of it on the
// way.
//
// A lane is a kind of sum, and the spans of the file that have one, in order and without a byte in
// common. Lanes may overlap each other: one pass serves them all.

#include "pak/vpkcheck.h"
#include <md5.h>

struct scan_span {
    uint64_t start, end; // bytes of the file
    uint32_t archive;    // the caller's: which file
    uint32_t number;     // the caller's: whose bytes
};

struct scan_lane {
    const struct scan_span *spans;
    size_t                  n_spans;
    bool                    is_md5; // or CRC32
    const void             *context;
    // CRC32 alone: the sum of what comes before the span. NULL: nothing does.
    uint32_t (*begin)(const void *context, const struct scan_span *span);
    // Whether the sum is what it should be: 4 bytes in host order, or 16.
    int (*compare)(const void *context, const struct scan_span *span, const void *sum,
                   struct error *err);

    size_t   at; // the span that is next, or being read
    uint32_t crc32;
    MD5_CTX  md5;
};

struct scan {
    const struct vpk_progress *progress; // or NULL
    uint64_t                   done_bytes, total_bytes;
    uint8_t                   *block; // VPK_BLOCK_BYTES
};

// How many bytes of a file the lanes have between their first and their last.
uint64_t scan_extent(const struct scan_lane *lanes, size_t n_lanes);

// Reads them. `scan` goes on counting from file to file.
int scan_file(struct scan *scan, int fd, struct scan_lane *lanes, size_t n_lanes, struct error *err)
    MUST_USE;
