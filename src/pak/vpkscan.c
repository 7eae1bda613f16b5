// SPDX-License-Identifier: MIT
#include "pak/vpkscan.h"

#include <fcntl.h>
#include "pak/crc32.h"
#include "pak/vpkfile.h"

static void lane_begin(struct scan_lane *lane, const struct scan_span *span)
{
    if (lane->is_md5)
        MD5Init(&lane->md5);
    else
        lane->crc32 = lane->begin ? lane->begin(lane->context, span) : 0;
}

static void lane_update(struct scan_lane *lane, const uint8_t *bytes, size_t n_bytes)
{
    if (lane->is_md5)
        MD5Update(&lane->md5, bytes, n_bytes);
    else
        lane->crc32 = crc32_update(lane->crc32, bytes, n_bytes);
}

static int lane_end(struct scan_lane *lane, const struct scan_span *span, struct error *err)
{
    uint8_t md5[MD5_DIGEST_LENGTH];

    if (!lane->is_md5)
        return lane->compare(lane->context, span, &lane->crc32, err);
    MD5Final(md5, &lane->md5);
    return lane->compare(lane->context, span, md5, err);
}

// Takes from the block at `offset` what this lane wants of it.
static int lane_feed(struct scan_lane *lane, const uint8_t *block, uint64_t offset, size_t n_block,
                     struct error *err)
{
    for (; lane->at < lane->n_spans; lane->at++) {
        const struct scan_span *span = &lane->spans[lane->at];
        uint64_t                from = MAX(span->start, offset);
        uint64_t                to = MIN(span->end, offset + n_block);

        if (span->start >= offset + n_block)
            return 0;
        if (span->start >= offset)
            lane_begin(lane, span);
        lane_update(lane, block + (from - offset), (size_t)(to - from));
        if (span->end > offset + n_block)
            return 0;
        if (lane_end(lane, span, err) < 0)
            return -1;
    }
    return 0;
}

// The first byte from `offset` on that somebody wants; UINT64_MAX: there is none.
static uint64_t next_wanted(const struct scan_lane *lanes, size_t n_lanes, uint64_t offset)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < n_lanes; i++)
        if (lanes[i].at < lanes[i].n_spans)
            next = MIN(next, MAX(lanes[i].spans[lanes[i].at].start, offset));
    return next;
}

static uint64_t last_wanted(const struct scan_lane *lanes, size_t n_lanes)
{
    uint64_t last = 0;

    for (size_t i = 0; i < n_lanes; i++)
        if (lanes[i].n_spans)
            last = MAX(last, lanes[i].spans[lanes[i].n_spans - 1].end);
    return last;
}

uint64_t scan_extent(const struct scan_lane *lanes, size_t n_lanes)
{
    uint64_t last = last_wanted(lanes, n_lanes);

    return last - MIN(last, next_wanted(lanes, n_lanes, 0));
}

static int step(const struct scan *scan, uint64_t done_bytes, struct error *err)
{
    if (!scan->progress)
        return 0;
    return scan->progress->step(scan->progress->context, done_bytes, scan->total_bytes, err);
}

int scan_file(struct scan *scan, int fd, struct scan_lane *lanes, size_t n_lanes, struct error *err)
{
    uint64_t first = next_wanted(lanes, n_lanes, 0);
    uint64_t last = last_wanted(lanes, n_lanes);
    uint64_t before = scan->done_bytes;

    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); // a wish
    for (uint64_t offset = first; offset < last;) {
        size_t n = (size_t)MIN(VPK_BLOCK_BYTES, last - offset);
        if (vpk_pread(fd, scan->block, n, offset, err) < 0)
            return -1;
        for (size_t i = 0; i < n_lanes; i++)
            if (lane_feed(&lanes[i], scan->block, offset, n, err) < 0)
                return -1;

        offset = MIN(last, next_wanted(lanes, n_lanes, offset + n));
        scan->done_bytes = before + (offset - first);
        if (step(scan, scan->done_bytes, err) < 0)
            return -1;
    }
    return 0;
}
