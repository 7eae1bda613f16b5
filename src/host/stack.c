// SPDX-License-Identifier: MIT
#include "host/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/fd.h"
#include "base/spec.h"
#include "host/overlays.h"

static int add_layer(struct instance_stack *stack, const struct host_paths *paths, uint32_t overlay,
                     struct error *err)
{
    uint32_t generation = 0;

    if (overlays_current(&generation, paths, overlay, err) < 0)
        return -1;
    if (!generation && overlay == GAME_OVERLAY)
        return error_set(err, ERROR_DENIED, "the game is not installed: run 'l4d2ctl install'");
    if (!generation)
        return error_set(err, ERROR_DENIED,
                         "overlay %" PRIu32 " has nothing published: build it or take it out of "
                         "the server",
                         overlay);
    stack->layers[stack->n_layers++] = (struct layer_ref){ overlay, generation };
    return 0;
}

// Nothing has been published in it yet: then it is not there.
static int add_own(struct instance_stack *stack, const struct host_paths *paths, uint32_t overlay,
                   struct error *err)
{
    uint32_t generation = 0;

    if (overlays_current(&generation, paths, overlay, err) < 0)
        return -1;
    if (generation)
        stack->layers[stack->n_layers++] = (struct layer_ref){ overlay, generation };
    return 0;
}

int stack_plan(struct instance_stack *ret, const struct host_paths *paths,
               const struct instance *instance, uint32_t config_generation, struct error *err)
{
    struct instance_stack stack = {
        .config_generation = config_generation,
        .port = instance->port,
        .tv_port = instance->tv_port,
        .client_port = instance->client_port,
        .limits = instance->limits,
    };

    _Static_assert(INSTANCE_OVERLAYS_MAX < STACK_LAYERS_MAX, "the game fits below all overlays");
    if (instance->own_overlay && add_own(&stack, paths, instance->own_overlay, err) < 0)
        return -1;
    for (uint32_t i = instance->n_overlays; i > 0; i--)
        if (add_layer(&stack, paths, instance->overlays[i - 1], err) < 0)
            return -1;
    if (add_layer(&stack, paths, GAME_OVERLAY, err) < 0)
        return -1;
    *ret = stack;
    return 0;
}

static int read_spec(struct instance_spec *ret, bool *ret_is_there, const char *dir,
                     const char *below, const struct instance_name *name, struct error *err)
{
    AUTO_FD top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD fd = -1;

    *ret = (struct instance_spec){ 0 };
    *ret_is_there = false;
    if (top < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "opening %s", dir);
    if (fd_open_beneath(&fd, top, below, O_PATH | O_DIRECTORY, 0, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : error_prefix(err, "%s", dir);
    if (spec_read_instance(ret, fd, name->text, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : error_prefix(err, "%s", dir);
    *ret_is_there = true;
    return 0;
}

int stack_read_applied(struct instance_spec *ret, bool *ret_is_there, bool *ret_is_damaged,
                       const struct host_paths *paths, const struct instance_name *name,
                       struct error *err)
{
    int r = read_spec(ret, ret_is_there, paths->host_dir, "instances", name, err);

    *ret_is_damaged = r < 0 && err->kind == ERROR_INVALID;
    return *ret_is_damaged ? 0 : r;
}

int stack_read_mounted(struct instance_spec *ret, bool *ret_is_there,
                       const struct host_paths *paths, const struct instance_name *name,
                       struct error *err)
{
    int r = read_spec(ret, ret_is_there, paths->mounted_dir, ".", name, err);

    if (r < 0 && err->kind == ERROR_INVALID)
        return error_set(err, ERROR_FAILED,
                         "the record of what '%s' runs on is damaged: run 'l4d2ctl stop %s'",
                         name->text, name->text);
    return r;
}

bool stack_is_equal(const struct instance_stack *a, const struct instance_stack *b)
{
    return memcmp(a, b, sizeof *a) == 0; // no padding: base/protocol.c asserts it
}

static bool has_same_overlays(const struct instance_stack *a, const struct instance_stack *b)
{
    if (a->n_layers != b->n_layers)
        return false;
    for (uint32_t i = 0; i < a->n_layers; i++)
        if (a->layers[i].overlay != b->layers[i].overlay)
            return false;
    return true;
}

static void add_word(struct strings *ret, const char *word)
{
    strings_add(ret, word, strlen(word));
}

void stack_compare(struct strings *ret, const struct instance_stack *a,
                   const struct instance_stack *b)
{
    bool has_same_list = has_same_overlays(a, b);

    if (!has_same_list)
        add_word(ret, "overlays");
    for (uint32_t i = 0; has_same_list && i < a->n_layers; i++) {
        char word[24];
        if (a->layers[i].generation == b->layers[i].generation)
            continue;
        (void)snprintf(word, sizeof word, "overlay %" PRIu32, a->layers[i].overlay); // it fits
        add_word(ret, word);
    }
    if (a->config_generation != b->config_generation)
        add_word(ret, "config");
    if (a->port != b->port || a->tv_port != b->tv_port || a->client_port != b->client_port)
        add_word(ret, "ports");
    if (memcmp(&a->limits, &b->limits, sizeof a->limits) != 0)
        add_word(ret, "limits");
}
