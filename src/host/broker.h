// SPDX-License-Identifier: MIT
#pragma once

// broker: asks left4me-broker for one thing, on a connection of its own, and waits for the answer.
//
// While another command is at work on the same instance, or on builds, it is asked again for up to
// half a minute. A refusal arrives as the error the broker raised. *ret is filled whenever a whole
// reply came, also when it is a refusal, because some refusals carry a number; zero otherwise.

#include "base/protocol.h"
#include "host/paths.h"

int broker_instance(const struct host_paths *paths, enum verb verb,
                    const struct instance_name *name, struct reply *ret, struct error *err)
    MUST_USE;
// Drops `dropped`: paths relative to the upper layer of a stopped server, each with its NUL;
// EDIT_BYTES_MAX at most.
int broker_edit(const struct host_paths *paths, const struct instance_name *name,
                const char *dropped, size_t n_bytes, struct reply *ret, struct error *err) MUST_USE;
// VERB_INSTANCE_APPLY or VERB_INSTANCE_RESTART.
int broker_stack(const struct host_paths *paths, enum verb verb, const struct instance_name *name,
                 const struct instance_stack *stack, struct reply *ret, struct error *err) MUST_USE;
// `wanted` as VERB_BUILD_START takes it; its header is filled in.
int broker_build_start(const struct host_paths *paths, const struct request_build_start *wanted,
                       struct reply *ret, struct error *err) MUST_USE;
// VERB_BUILD_STOP, VERB_PUBLISH or VERB_BUILD_REMOVE.
int broker_build(const struct host_paths *paths, enum verb verb, uint32_t build, struct reply *ret,
                 struct error *err) MUST_USE;
int broker_overlay_create(const struct host_paths *paths, enum overlay_type type, struct reply *ret,
                          struct error *err) MUST_USE;
int broker_overlay_remove(const struct host_paths *paths, uint32_t overlay, struct reply *ret,
                          struct error *err) MUST_USE;

// Connects to a SOCK_SEQPACKET socket of ours; `what` is who listens there, for the error.
int broker_connect(int *ret, const char *socket_path, const char *what, struct error *err) MUST_USE;
// Sends one request on `fd`, with the descriptor `passed_fd` unless that is -1, and receives its
// reply within `timeout_ms`.
int broker_exchange(int fd, const void *request, size_t n_request, int passed_fd,
                    unsigned timeout_ms, struct reply *ret, struct error *err) MUST_USE;
