// SPDX-License-Identifier: MIT
#include "guard/seen.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert((SEEN_ROWS & (SEEN_ROWS - 1)) == 0, "a mask finds the row");
_Static_assert(SEEN_MAX < SEEN_ROWS, "a search for what is not there ends at a free row");

int seen_init(struct seen *ret, struct error *err)
{
    void *rows = mmap(NULL, SEEN_ROWS * sizeof *ret->rows, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (rows == MAP_FAILED)
        return error_sys(err, errno, "making room for a list of files");
    // A round costs what it touches, also where the kernel would rather give two megabytes at once.
    (void)madvise(rows, SEEN_ROWS * sizeof *ret->rows, MADV_NOHUGEPAGE);
    *ret = (struct seen){ .rows = rows, .round = 1 };
    return 0;
}

void seen_done(struct seen *seen)
{
    if (seen->rows)
        (void)munmap(seen->rows, SEEN_ROWS * sizeof *seen->rows);
    seen->rows = NULL;
}

void seen_empty(struct seen *seen)
{
    seen->round++;
    seen->n = 0;
}

int seen_add(struct seen *seen, uint64_t device, uint64_t inode)
{
    // Numbers of inodes often follow each other; multiplied so, their upper bits do not.
    uint64_t mixed = (inode + device * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

    for (uint64_t at = mixed >> 32;; at++) {
        struct seen_row *row = &seen->rows[at & (SEEN_ROWS - 1)];
        if (row->round == seen->round && row->inode == inode && row->device == device)
            return 0;
        if (row->round == seen->round)
            continue;
        if (seen->n == SEEN_MAX)
            return -1;
        seen->n++;
        *row = (struct seen_row){ .inode = inode, .device = device, .round = seen->round };
        return 1;
    }
}
