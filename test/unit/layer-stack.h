// SPDX-License-Identifier: MIT
#pragma once

// layer-stack: a temporary stack of layers, for tests of src/explain. Layer 0 is that of the game,
// the last one is overlay 1, the game itself; the others are overlays 11, 12, …, generation 5 each.

#include "content-tree.h"
#include "explain/view.h"

#define STACK_TEST_LAYERS_MAX 8u

struct layer_stack {
    struct unit_dir *dir;
    struct layers    layers;
};

static inline struct layer_stack stack_make(struct unit_dir *dir, size_t n)
{
    struct layer_stack stack = { .dir = dir };

    stack.layers.n = n;
    for (size_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        assert_return_code(mkdirat(dir->fd, name, 0755), errno);
        stack.layers.layer[i] = (struct layer){
            .kind = i == 0 ? LAYER_UPPER : LAYER_OVERLAY,
            .overlay = i == 0       ? 0
                       : i + 1 == n ? GAME_OVERLAY
                                    : (uint32_t)(10 + i),
            .generation = i == 0 ? 0 : 5,
            .fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
            .index_fd = -1,
        };
        assert_true(stack.layers.layer[i].fd >= 0);
    }
    return stack;
}

static inline void stack_done(struct layer_stack *stack)
{
    char command[192];

    for (size_t i = 0; i < stack->layers.n; i++) {
        (void)fd_close(stack->layers.layer[i].fd);
        (void)fd_close(stack->layers.layer[i].index_fd);
    }
    snprintf(command, sizeof command, "chmod -R u+rwX '%s' && rm -rf '%s'/*", stack->dir->path,
             stack->dir->path);
    assert_int_equal(system(command), 0);
}

static inline int stack_fd(const struct layer_stack *stack, size_t layer)
{
    return stack->layers.layer[layer].fd;
}

static inline struct view *stack_view(const struct layer_stack *stack)
{
    struct view *view = NULL;
    struct error err = { 0 };

    if (view_open(&view, &stack->layers, &err) < 0)
        fail_msg("%s", err.message);
    return view;
}
