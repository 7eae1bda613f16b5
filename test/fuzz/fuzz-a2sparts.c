// SPDX-License-Identifier: MIT

// fuzz-a2sparts: datagrams from whoever has the port, one after the other. A byte before each says
// how long it is: four bytes for 0, eight for 1, and so on.

#include <stdlib.h>
#include <string.h>
#include "game/a2sparts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

// In memory of its size, so that no byte behind it is read.
static int take(struct a2sparts *parts, struct a2s_answer *ret, const uint8_t *bytes, size_t n)
{
    AUTO(freep) uint8_t *copy = malloc(n + !n);
    struct error         err = { 0 };

    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    return a2sparts_take(parts, ret, copy, n, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct a2sparts   parts; // 45 KB
    static struct a2s_answer answer;

    parts = (struct a2sparts){ 0 };
    while (n_bytes > 0) {
        size_t n = (size_t)*bytes * 4 + 4;
        bytes++;
        n_bytes--;
        if (n > n_bytes)
            n = n_bytes;
        int r = take(&parts, &answer, bytes, n);
        if (r > 0 && (answer.kind == A2S_PART || answer.n_list > A2S_PLAYERS_MAX || parts.n_parts))
            abort();
        if (parts.n_parts > A2SPARTS_MAX)
            abort();
        bytes += n;
        n_bytes -= n;
    }
    return 0;
}
