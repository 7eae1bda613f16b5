// SPDX-License-Identifier: MIT
#include "host/plan.h"

#include "host/config.h"
#include "host/instances.h"
#include "host/stack.h"

static int render(struct config *ret, int instance_fd, const struct instance *instance,
                  const struct instance_name *name, struct error *err)
{
    char password[INSTANCE_PASSWORD_MAX + 1];

    if (instances_load_password(password, instance_fd, name->text, err) < 0)
        return -1;
    return config_render(ret, instance, name->text, password, err);
}

int plan_make(struct instance_stack *ret, bool *ret_is_applied, const struct host_paths *paths,
              const struct instance_name *name, int instance_fd, const struct instance *instance,
              struct error *err)
{
    AUTO(config_done) struct config config = { 0 };
    struct instance_spec            applied, mounted;
    struct instance_stack           stack;
    bool                            is_applied = false, is_damaged = false, is_mounted = false;

    // The stack first: without a game there is nothing to write a configuration for.
    if (stack_plan(&stack, paths, instance, 0, err) < 0 ||
        stack_read_applied(&applied, &is_applied, &is_damaged, paths, name, err) < 0 ||
        stack_read_mounted(&mounted, &is_mounted, paths, name, err) < 0 ||
        render(&config, instance_fd, instance, name, err) < 0 ||
        config_store(&stack.config_generation, instance_fd, &config, err) < 0)
        return -1;

    const uint32_t used[] = { applied.stack.config_generation, mounted.stack.config_generation,
                              stack.config_generation };
    if (config_collect(instance_fd, used, ELEMENTS(used), err) < 0 ||
        instance_stack_check(&stack, err) < 0)
        return -1;
    *ret = stack;
    *ret_is_applied = is_applied && !applied.is_unsettled && stack_is_equal(&applied.stack, &stack);
    return 0;
}

int plan_compare(struct strings *ret, const struct host_paths *paths,
                 const struct instance_name *name, int instance_fd, const struct instance *instance,
                 const struct instance_stack *base, struct error *err)
{
    AUTO(config_done) struct config config = { 0 };
    struct instance_stack           stack;

    if (stack_plan(&stack, paths, instance, 0, err) < 0 ||
        render(&config, instance_fd, instance, name, err) < 0)
        return -1;
    if (config_is_same(instance_fd, base->config_generation, &config))
        stack.config_generation = base->config_generation;
    stack_compare(ret, &stack, base); // generation 0 differs from all
    return buffer_check(&ret->text, err);
}
