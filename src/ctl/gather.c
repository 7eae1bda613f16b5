// SPDX-License-Identifier: MIT
#include "ctl/gather.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 512u

int gather_keep(struct gather *gather, const char *bytes, size_t n)
{
    if (gather->capacity - gather->n <= n) { // a NUL as well
        size_t capacity = MAX(gather->capacity * 2, gather->n + n + CAPACITY_MIN);
        char  *grown = realloc(gather->bytes, capacity);
        if (!grown)
            return -1;
        gather->bytes = grown;
        gather->capacity = capacity;
    }
    memcpy(gather->bytes + gather->n, bytes, n);
    gather->n += n;
    gather->bytes[gather->n] = '\0';
    return 0;
}

void gather_done(struct gather *gather)
{
    free(gather->bytes);
    *gather = (struct gather){ 0 };
}

static void hand_on(struct gather *gather, bool is_cut, gather_take *take, void *context)
{
    size_t n = gather->n;

    if (!is_cut && n > 0 && gather->bytes[n - 1] == '\r')
        n--;
    take(context, n > 0 ? gather->bytes : "", n, is_cut);
    gather->n = 0;
}

int gather_lines(struct gather *gather, const char *bytes, size_t n, size_t max, gather_take *take,
                 void *context)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t      n_part = end ? (size_t)(end - bytes) : n;
        size_t      n_kept = gather->is_dropping ? 0 : MIN(n_part, max - gather->n);
        bool        is_cut = !gather->is_dropping && n_kept < n_part;
        if (gather_keep(gather, bytes, n_kept) < 0)
            return -1;
        if (is_cut || (end && !gather->is_dropping))
            hand_on(gather, is_cut, take, context);
        gather->is_dropping = !end && (gather->is_dropping || is_cut);
        n_part += end ? 1 : 0;
        bytes += n_part;
        n -= n_part;
    }
    return 0;
}

void gather_finish(struct gather *gather, gather_take *take, void *context)
{
    if (gather->n > 0)
        hand_on(gather, false, take, context);
    gather->is_dropping = false;
}
