// SPDX-License-Identifier: MIT
#pragma once

// recipe: a blueprint as it stands in an export: as the API shows it, but with overlays by name.

#include <jansson.h>
#include "store/blueprint.h"

#define RECIPE_MAX (512u << 10) // bytes

struct recipe {
    struct blueprint         blueprint; // its texts are ours; overlays by name, without numbers
    struct blueprint_overlay overlays[BLUEPRINT_OVERLAYS_MAX];
};

// NULL: without memory, or its arguments are no JSON.
char *recipe_format(const struct blueprint *blueprint) MUST_USE;
// *ret is owned.
int recipe_parse(struct recipe **ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
void recipe_freep(struct recipe **recipe);
