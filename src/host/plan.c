// SPDX-License-Identifier: MIT
#include "host/plan.h"

#include <inttypes.h>
#include <string.h>
#include "host/config.h"
#include "host/instances.h"
#include "host/overlays.h"
#include "host/stack.h"

static int render(struct config *ret, const struct plan_server *server,
                  const struct instance_stack *stack, struct error *err)
{
    struct exposed exposed = { 0 };
    char           password[INSTANCE_PASSWORD_MAX + 1];

    if (instances_load_password(password, server->instance_fd, server->name->text, err) < 0 ||
        exposed_read(&exposed, server->paths, server->instance, stack, err) < 0)
        return -1;
    return config_render(ret, server->instance, server->name->text, password, &exposed, err);
}

int plan_choice_add(struct plan_choice *choice, const char *text, struct error *err)
{
    struct layer_ref ref;
    char             overlay[16];
    size_t           n = strcspn(text, "=");

    if (choice->n == ELEMENTS(choice->refs))
        return error_set(err, ERROR_INVALID, "at most %zu generations can be chosen",
                         ELEMENTS(choice->refs));
    if (text[n] != '=' || n >= sizeof overlay)
        return error_set(err, ERROR_INVALID, "a choice is written OVERLAY=GENERATION, in numbers");
    memcpy(overlay, text, n);
    overlay[n] = '\0';
    if (number_name_parse(&ref.overlay, overlay, err) < 0 ||
        number_name_parse(&ref.generation, text + n + 1, err) < 0)
        return -1;
    choice->refs[choice->n++] = ref;
    return 0;
}

static int choose(struct instance_stack *stack, const struct host_paths *paths,
                  struct layer_ref wanted, struct error *err)
{
    AUTO(freep) struct state *state = NULL;

    if (overlays_read(&state, paths, wanted.overlay, err) < 0)
        return -1;
    if (!state_find(state, wanted.generation))
        return error_set(err, ERROR_NOT_FOUND,
                         "overlay %" PRIu32 " has no generation %" PRIu32 ": see 'l4d2ctl overlay "
                         "show %" PRIu32 "'",
                         wanted.overlay, wanted.generation, wanted.overlay);
    for (uint32_t i = 0; i < stack->n_layers; i++)
        if (stack->layers[i].overlay == wanted.overlay) {
            stack->layers[i].generation = wanted.generation;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "the server does not use overlay %" PRIu32,
                     wanted.overlay);
}

int plan_make(struct instance_stack *ret, bool *ret_is_applied, const struct plan_server *server,
              const struct plan_choice *choice, struct error *err)
{
    AUTO(config_done) struct config config = { 0 };
    const struct host_paths        *paths = server->paths;
    struct instance_spec            applied, mounted;
    struct instance_stack           stack;
    bool                            is_applied = false, is_damaged = false, is_mounted = false;

    // The stack first: without a game there is nothing to write a configuration for.
    if (stack_plan(&stack, paths, server->instance, 0, err) < 0)
        return -1;
    for (uint32_t i = 0; choice && i < choice->n; i++)
        if (choose(&stack, paths, choice->refs[i], err) < 0)
            return -1;
    if (stack_read_applied(&applied, &is_applied, &is_damaged, paths, server->name, err) < 0 ||
        stack_read_mounted(&mounted, &is_mounted, paths, server->name, err) < 0 ||
        render(&config, server, &stack, err) < 0 ||
        config_store(&stack.config_generation, server->instance_fd, &config, err) < 0)
        return -1;

    const uint32_t used[] = { applied.stack.config_generation, mounted.stack.config_generation,
                              stack.config_generation };
    if (config_collect(server->instance_fd, used, ELEMENTS(used), err) < 0 ||
        instance_stack_check(&stack, err) < 0)
        return -1;
    *ret = stack;
    *ret_is_applied = is_applied && !applied.is_unsettled && stack_is_equal(&applied.stack, &stack);
    return 0;
}

int plan_base(struct instance_stack *ret, bool *ret_is_there, const struct host_paths *paths,
              const struct instance_name *name, struct error *err)
{
    struct instance_spec applied, mounted;
    bool                 is_applied = false, is_damaged = false, is_mounted = false;

    if (stack_read_applied(&applied, &is_applied, &is_damaged, paths, name, err) < 0 ||
        stack_read_mounted(&mounted, &is_mounted, paths, name, err) < 0)
        return -1;
    *ret_is_there = is_mounted || is_applied;
    *ret = is_mounted ? mounted.stack : applied.stack; // zeros if there is none
    return 0;
}

int plan_compare(struct strings *ret, const struct plan_server *server,
                 const struct instance_stack *base, struct error *err)
{
    AUTO(config_done) struct config config = { 0 };
    struct instance_stack           stack;

    if (stack_plan(&stack, server->paths, server->instance, 0, err) < 0 ||
        render(&config, server, &stack, err) < 0)
        return -1;
    if (config_is_same(server->instance_fd, base->config_generation, &config))
        stack.config_generation = base->config_generation;
    stack_compare(ret, &stack, base); // generation 0 differs from all
    return buffer_check(&ret->text, err);
}
