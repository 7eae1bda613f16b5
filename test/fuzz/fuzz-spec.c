// SPDX-License-Identifier: MIT

// fuzz-spec: what is in a root-owned file, as left4me-mount and left4me-content see it. Whatever is
// let through must be safe to count and to walk.

#include <stdlib.h>
#include <string.h>
#include "base/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void try_instance(const uint8_t *bytes, size_t n_bytes)
{
    static const struct instance_name name = { "alpha" };
    struct instance_spec              spec = { 0 };
    struct error                      err = { 0 };

    memcpy(&spec, bytes, MIN(n_bytes, sizeof spec));
    if (spec_check_instance(&spec, &name, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return;
    }
    if (strcmp(spec.name.text, "alpha") != 0 || spec.stack.n_layers > STACK_LAYERS_MAX)
        abort();
    for (uint32_t i = 0; i < spec.stack.n_layers; i++)
        if (!spec.stack.layers[i].overlay || !spec.stack.layers[i].generation)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct build_spec spec = { 0 };
    struct error      err = { 0 };

    try_instance(bytes, n_bytes);
    memcpy(&spec, bytes, MIN(n_bytes, sizeof spec));
    if (spec_check_build(&spec, 7, &err) < 0 ? err.kind != ERROR_INVALID
                                             : spec.build != 7 || spec.kind >= BUILD_KIND_COUNT)
        abort();
    return 0;
}
