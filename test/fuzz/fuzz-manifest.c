// SPDX-License-Identifier: MIT

// fuzz-manifest: what an archive says about itself, and a blueprint in it. What is understood comes
// back the same; a path that is taken stays below where it is.

#include <stdlib.h>
#include <string.h>
#include "admin/pack.h"
#include "admin/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void try_path(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep) char *path = strndup((const char *)bytes, n_bytes);
    struct error      err = { 0 };

    if (!path || pack_check_path(path, &err) < 0)
        return;
    must(*path && *path != '/' && !strstr(path, "//") && path[strlen(path) - 1] != '/');
    must(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 && !strstr(path, "/../"));
    must(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static void try_recipe(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(recipe_freep) struct recipe *recipe = NULL, *again = NULL;
    struct error                      err = { 0 };

    if (recipe_parse(&recipe, (const char *)bytes, n_bytes, &err) < 0) {
        must(err.kind == ERROR_INVALID && !recipe);
        return;
    }
    must(recipe->blueprint.n_overlays <= BLUEPRINT_OVERLAYS_MAX);
    AUTO(freep) char *text = recipe_format(&recipe->blueprint);
    must(text && (strlen(text) > RECIPE_MAX ||
                  (recipe_parse(&again, text, strlen(text), &err) == 0 &&
                   strcmp(again->blueprint.config, recipe->blueprint.config) == 0 &&
                   strcmp(again->blueprint.arguments, recipe->blueprint.arguments) == 0 &&
                   again->blueprint.n_overlays == recipe->blueprint.n_overlays)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct manifest manifest = { 0 }, again = { 0 };
    struct error    err = { 0 };

    try_path(bytes, n_bytes);
    try_recipe(bytes, n_bytes);
    if (manifest_parse(&manifest, (const char *)bytes, n_bytes, &err) < 0) {
        must(err.kind == ERROR_INVALID);
        return 0;
    }
    must(manifest.kind < MANIFEST_KINDS && memchr(manifest.host, '\0', sizeof manifest.host));
    AUTO(freep) char *text = manifest_format(&manifest);
    must(text && manifest_parse(&again, text, strlen(text), &err) == 0);
    must(again.kind == manifest.kind && again.files == manifest.files &&
         again.bytes == manifest.bytes && strcmp(again.host, manifest.host) == 0 &&
         memcmp(again.sums, manifest.sums, sizeof again.sums) == 0);
    return 0;
}
