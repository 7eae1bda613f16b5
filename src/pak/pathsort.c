// SPDX-License-Identifier: MIT
#include "pak/pathsort.h"

#include <string.h>
#include <strings.h>
#include "base/macros.h"

#define KEY_BYTES sizeof(uint64_t)
#define RUN       12u // as many are sorted by insertion

// Every letter from A to Z among eight bytes becomes its small one.
static uint64_t fold(uint64_t key)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t       low = key & (0x7f * ones);
    uint64_t       from_a = low + (0x80 - 'A') * ones;
    uint64_t       past_z = low + (0x80 - 'Z' - 1) * ones;
    uint64_t       is_upper = (from_a ^ past_z) & ~key & (0x80 * ones);

    return key | is_upper >> 2;
}

// The eight bytes at `depth`, the first the most significant; zeros behind the end.
static uint64_t load(const struct pathsort_path *path, size_t depth, bool is_folded)
{
    uint64_t key = 0;
    size_t   n = path->n_path > depth ? MIN(path->n_path - depth, KEY_BYTES) : 0;

    if (n == KEY_BYTES) // a constant length is one instruction
        memcpy(&key, path->path + depth, KEY_BYTES);
    else if (n)
        memcpy(&key, path->path + depth, n);
    key = __builtin_bswap64(key); // the rest of us is little-endian as well
    return is_folded ? fold(key) : key;
}

static void insert_all(struct pathsort_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct pathsort_item item = items[i];
        size_t               j = i;
        for (; j > 0 && items[j - 1].key > item.key; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

// Merges two sorted runs, the second of which begins at `middle`, into `ret`.
static void merge(struct pathsort_item *ret, const struct pathsort_item *items, size_t middle,
                  size_t n)
{
    size_t i = 0, j = middle;

    if (middle == n || items[middle - 1].key <= items[middle].key) {
        memcpy(ret, items, n * sizeof *items);
        return;
    }
    while (i < middle && j < n)
        *ret++ = items[j].key < items[i].key ? items[j++] : items[i++];
    memcpy(ret, items + i, (middle - i) * sizeof *items);
    memcpy(ret + (middle - i), items + j, (n - j) * sizeof *items);
}

static bool is_sorted(const struct pathsort_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (items[i - 1].key > items[i].key)
            return false;
    return true;
}

// Merge sort by key, from the bottom up.
static void sort_keys(struct pathsort_item *items, struct pathsort_item *spare, size_t n)
{
    struct pathsort_item *from = items, *into = spare;

    if (is_sorted(items, n))
        return;
    for (size_t at = 0; at < n; at += RUN)
        insert_all(items + at, MIN(RUN, n - at));
    for (size_t run = RUN; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run)
            merge(into + at, from + at, MIN(run, n - at), MIN(2 * run, n - at));
        struct pathsort_item *swap = from;
        from = into;
        into = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

void pathsort(struct pathsort_item *items, struct pathsort_item *spare, size_t n,
              const struct pathsort_path *paths, size_t n_same, bool is_folded)
{
    for (size_t i = 0; i < n; i++)
        items[i].key = load(&paths[items[i].index], n_same, is_folded);
    sort_keys(items, spare, n);

    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && items[to].key == items[from].key;)
            to++;
        bool goes_on = (items[from].key & 0xff) != 0; // no path has a NUL in it
        if (goes_on && to - from > 1)
            pathsort(items + from, spare, to - from, paths, n_same + KEY_BYTES, is_folded);
    }
}

bool pathsort_is_equal(const struct pathsort_path *one, const struct pathsort_path *other,
                       bool is_folded)
{
    return one->n_path == other->n_path &&
           (is_folded ? strncasecmp(one->path, other->path, one->n_path) == 0
                      : memcmp(one->path, other->path, one->n_path) == 0);
}
