// SPDX-License-Identifier: MIT
// fuzz-procfs: files of /proc, with anything in them.

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "guard/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    // Of its own size, so that a byte too much is seen.
    char                *text = malloc(n_bytes ? n_bytes : 1);
    struct procfs_status status = { 0 };
    uint32_t             number = 0;
    uint64_t             written = 0;
    size_t               n;

    memcpy(text, bytes, n_bytes);
    if (procfs_parse_status(&status, text, n_bytes))
        assert(memmem(text, n_bytes, "State:\t", 7));
    if (procfs_parse_written(&written, text, n_bytes))
        assert(memmem(text, n_bytes, "write_bytes:", 12));
    for (size_t at = 0; (n = procfs_next_number(&number, text + at, n_bytes - at)) > 0; at += n)
        assert(at + n <= n_bytes && text[at + n - 1] == ' ');
    if (procfs_is_deleted_below(text, n_bytes, "/overlay"))
        assert(memmem(text, n_bytes, "/overlay/", 9));
    (void)procfs_parse_in_flight(text, n_bytes);
    (void)procfs_parse_socket(text, n_bytes);
    free(text);
    return 0;
}
