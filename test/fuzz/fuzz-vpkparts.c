// SPDX-License-Identifier: MIT
// An archive of two files: two bytes for the length of the first, the directory, then part 0.
#include "vpk-visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 2)
        return 0;

    size_t n_directory = MIN((size_t)(bytes[0] | bytes[1] << 8), n_bytes - 2);
    visit_write("a_dir.vpk", bytes + 2, n_directory);
    visit_write("a_000.vpk", bytes + 2 + n_directory, n_bytes - 2 - n_directory);
    visit_file("a_dir.vpk", n_bytes - 2);
    (void)unlinkat(visit_dir(), "a_dir.vpk", 0); // they were written
    (void)unlinkat(visit_dir(), "a_000.vpk", 0);
    return 0;
}
