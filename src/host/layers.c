// SPDX-License-Identifier: MIT
#include "host/layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/fd.h"
#include "overlay/index.h"

static void open_layer(struct layers *layers, const struct host_paths *paths, enum layer_kind kind,
                       struct layer_ref ref, const char *path)
{
    struct error  ignored; // explained as unreadable, layer by layer
    struct layer *layer = &layers->layer[layers->n++];

    *layer = (struct layer){ kind, ref.overlay, ref.generation, -1, -1 };
    if (host_open_data_dir(&layer->fd, paths, path, &ignored) < 0)
        layer->fd = -1;
}

// Without an index, whoever needs one walks the generation.
static void open_index(struct layer *layer, const struct host_paths *paths)
{
    AUTO_FD      dir_fd = -1;
    struct error ignored;
    uint64_t     n_bytes = 0;
    char         name[64];

    (void)snprintf(name, sizeof name, "overlays/%" PRIu32, layer->overlay); // a number fits
    if (layer->fd < 0 || host_open_data_dir(&dir_fd, paths, name, &ignored) < 0)
        return;
    (void)snprintf(name, sizeof name, "%" PRIu32 INDEX_NAME_SUFFIX, layer->generation); // likewise
    if (fd_open_file(&layer->index_fd, &n_bytes, dir_fd, name, &ignored) < 0)
        layer->index_fd = -1;
}

static void open_generation(struct layers *layers, const struct host_paths *paths,
                            struct layer_ref ref)
{
    char path[64];

    (void)snprintf(path, sizeof path, "overlays/%" PRIu32 "/%" PRIu32, ref.overlay,
                   ref.generation); // two numbers fit
    open_layer(layers, paths, LAYER_OVERLAY, ref, path);
    open_index(&layers->layer[layers->n - 1], paths);
}

int layers_open_generation(struct layers **ret, const struct host_paths *paths,
                           struct layer_ref ref, struct error *err)
{
    AUTO(layers_freep) struct layers *layers = calloc(1, sizeof *layers);

    if (!layers)
        return error_sys(err, ENOMEM, "opening a generation");
    open_generation(layers, paths, ref);
    if (layers->layer[0].fd < 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "overlay %" PRIu32 " has no generation %" PRIu32 " that can be read",
                         ref.overlay, ref.generation);
    *ret = TAKE(layers);
    return 0;
}

int layers_open(struct layers **ret, const struct host_paths *paths,
                const struct instance_name *name, const struct instance_stack *stack,
                struct error *err)
{
    struct layers *layers = calloc(1, sizeof *layers);
    char           path[128];

    if (!layers)
        return error_sys(err, ENOMEM, "opening the layers");
    (void)snprintf(path, sizeof path, "runtime/%s/upper", name->text); // a valid name fits
    open_layer(layers, paths, LAYER_UPPER, (struct layer_ref){ 0 }, path);
    if (stack->config_generation) {
        (void)snprintf(path, sizeof path, "instances/%s/%" PRIu32 "/tree", name->text,
                       stack->config_generation); // likewise
        open_layer(layers, paths, LAYER_CONFIG, (struct layer_ref){ 0, stack->config_generation },
                   path);
    }
    for (uint32_t i = 0; i < stack->n_layers; i++)
        open_generation(layers, paths, stack->layers[i]);
    *ret = layers;
    return 0;
}
