// SPDX-License-Identifier: MIT
// fuzz-stream: whatever a script prints, what goes to the journal is whole lines with our priority
// and nothing that could be taken for another, and no more than its limit.

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"
#include "build/stream.h"

#define LINES_MAX 20u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_line(const char *line, size_t n)
{
    assert(n > 3 && (memcmp(line, "<4>", 3) == 0 || memcmp(line, "<5>", 3) == 0));
    assert(n <= 3 + OUTLET_LINE_MAX + 64);
    for (size_t at = 0; at < n;) {
        size_t length = text_character(line + at, n - at);
        assert(length > 0);
        assert(line[at] == '\t' || !text_is_control(line + at, length));
        at += length;
    }
}

// The first byte says how much is fed at a time, the second how long that takes.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct outlet outlet;
    static struct stream stream;
    int64_t              now_ms = 0;
    size_t               n_lines = 0;

    if (n_bytes < 2)
        return 0;
    size_t chunk = 1 + bytes[0] * (size_t)64;
    outlet_init(&outlet, -1, LINES_MAX, OUTLET_BYTES / 2);
    stream_init(&stream, &outlet, LEVEL_WARNING);
    for (size_t at = 2; at < n_bytes; at += chunk, now_ms += bytes[1])
        stream_feed(&stream, (const char *)bytes + at, n_bytes - at < chunk ? n_bytes - at : chunk,
                    now_ms);
    stream_finish(&stream);
    for (const char *at = outlet.bytes, *end; at < outlet.bytes + outlet.n; at = end + 1) {
        end = memchr(at, '\n', (size_t)(outlet.bytes + outlet.n - at));
        assert(end);
        check_line(at, (size_t)(end - at));
        n_lines++;
    }
    assert(n_lines <= LINES_MAX + 1); // and that the rest is dropped
    return 0;
}
