// SPDX-License-Identifier: MIT
#pragma once

// stackmount: an overlayfs of detached, idmapped layers, put together where nobody can look.
//
// Kernels before 6.15 refuse detached mounts as layers. So a child with a mount namespace of its
// own attaches them on a tmpfs there under short names, mounts the overlay, and sends back a
// descriptor of it; the namespace dies with the child and takes every trace along, also when it is
// killed. Short names keep hundreds of layers within the page that mount(2) allows for options.

#include "base/error.h"
#include "base/protocol.h"

#define STACKMOUNT_LAYERS_MAX (STACK_LAYERS_MAX + 1) // and the config layer

struct stackmount_layer {
    int fd; // detached mount; borrowed. Its root is the layer: a path below it could be a link
};

// `upper_fd` is a detached mount that holds the directories "upper" and "work". Layers are top
// first; there is at least one. *ret is a descriptor of the detached overlay, nosuid and nodev.
int stackmount_open(int *ret, int upper_fd, const struct stackmount_layer *layers, size_t n_layers,
                    struct error *err) MUST_USE;
