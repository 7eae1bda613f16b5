// SPDX-License-Identifier: MIT
#include "host/exposed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/fd.h"

static uint32_t generation_of(const struct instance_stack *stack, uint32_t overlay)
{
    for (uint32_t i = 0; i < stack->n_layers; i++)
        if (stack->layers[i].overlay == overlay)
            return stack->layers[i].generation;
    assert(false); // they are some of the instance's overlays
    return 0;
}

static int open_generation(int *ret, const struct host_paths *paths, struct layer_ref ref,
                           struct error *err)
{
    char path[64];

    (void)snprintf(path, sizeof path, "overlays/%" PRIu32 "/%" PRIu32, ref.overlay,
                   ref.generation); // two numbers fit
    return host_open_data_dir(ret, paths, path, err);
}

static int cannot_be_run(struct layer_ref ref, struct error *err)
{
    struct error why = *err;

    return error_set(err, ERROR_DENIED,
                     "overlay %" PRIu32 " generation %" PRIu32 ": its server.cfg cannot be run "
                     "(%.80s): mend it, or take the overlay out of server_cfg_of",
                     ref.overlay, ref.generation, why.message);
}

static int read_file(struct exposed_file *file, const struct host_paths *paths,
                     struct layer_ref ref, size_t max_bytes, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    AUTO_FD           fd = -1;
    size_t            n = 0;

    // Without the generation nothing is known of the file.
    if (open_generation(&fd, paths, ref, err) < 0)
        return error_prefix(err, "overlay %" PRIu32, ref.overlay);
    if (fd_read_file(&bytes, &n, fd, EXPOSED_FILE, max_bytes, err) == 0) {
        file->is_there = true;
        buffer_add(&file->text, bytes, n);
        return buffer_check(&file->text, err);
    }
    if (err->kind == ERROR_NOT_FOUND)
        return 0;
    return err->kind == ERROR_NO_SPACE ? -1 : cannot_be_run(ref, err);
}

int exposed_read(struct exposed *ret, const struct host_paths *paths,
                 const struct instance *instance, const struct instance_stack *stack,
                 struct error *err)
{
    AUTO(exposed_done) struct exposed exposed = { 0 };
    size_t                            left = EXPOSED_TOTAL_MAX;

    for (uint32_t i = 0; i < instance->n_server_cfg_of; i++) {
        struct exposed_file *file = &exposed.files[exposed.n++];
        file->overlay = instance->server_cfg_of[i];
        struct layer_ref ref = { file->overlay, generation_of(stack, file->overlay) };
        if (read_file(file, paths, ref, MIN(left, EXPOSED_BYTES_MAX), err) < 0)
            return -1;
        left -= file->text.n;
    }
    *ret = exposed;
    exposed = (struct exposed){ 0 };
    return 0;
}

void exposed_done(struct exposed *exposed)
{
    for (uint32_t i = 0; i < exposed->n; i++)
        buffer_done(&exposed->files[i].text);
    exposed->n = 0;
}
