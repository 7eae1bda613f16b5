// SPDX-License-Identifier: MIT

// fuzz-spec: what is in a root-owned file, as left4me-broker, left4me-mount and left4me-content
// see it. Whatever is let through must be safe to count and to walk.

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

static void try_build(const uint8_t *bytes, size_t n_bytes)
{
    struct build_spec spec = { 0 };
    struct error      err = { 0 };

    memcpy(&spec, bytes, MIN(n_bytes, sizeof spec));
    if (spec_check_build(&spec, 7, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return;
    }
    // Kinds are places in tables.
    if (spec.build != 7 || spec.kind == 0 || spec.kind >= BUILD_KIND_COUNT || !spec.overlay ||
        !spec.new_generation || !spec.keep || spec.flags > (BUILD_FRESH | BUILD_HOLD) ||
        spec.output_max_bytes < OUTPUT_MAX_MIN || spec.output_max_bytes > OUTPUT_MAX_MAX)
        abort();
}

static void try_overlay(const uint8_t *bytes, size_t n_bytes)
{
    struct overlay_spec spec = { 0 };
    struct error        err = { 0 };

    memcpy(&spec, bytes, MIN(n_bytes, sizeof spec));
    if (spec_check_overlay(&spec, 9, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return;
    }
    if (spec.overlay != 9 || spec.type <= OVERLAY_GAME || spec.type >= OVERLAY_TYPE_COUNT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    try_instance(bytes, n_bytes);
    try_build(bytes, n_bytes);
    try_overlay(bytes, n_bytes);
    return 0;
}
