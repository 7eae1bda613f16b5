// SPDX-License-Identifier: MIT
#include "vpk-visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err;
    bool         is_readable;

    if (vpk_parse(&vpk, bytes, n_bytes, &err) < 0)
        return 0;
    (void)visit_entries(vpk, &is_readable); // what is not preloaded is not
    visit_write("a.vpk", bytes, n_bytes);
    visit_file("a.vpk", n_bytes);
    (void)unlinkat(visit_dir(), "a.vpk", 0); // it was written
    return 0;
}
