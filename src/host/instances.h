// SPDX-License-Identifier: MIT
#pragma once

// instances: the directory instances/NAME of every server: its spec and its secret.
//
// spec.yaml is replaced as a whole and written last: an instance without one was never finished
// and counts as absent.

#include "host/instance.h"
#include "host/paths.h"

#define INSTANCE_SPEC_FILE     "spec.yaml"
#define INSTANCE_PASSWORD_FILE "rcon_password"

// Opens instances/NAME. ERROR_NOT_FOUND: there is no such instance.
int instances_open(int *ret, const struct host_paths *paths, const struct instance_name *name,
                   struct error *err) MUST_USE;
// Reads the spec of an instance, without its secret. ERROR_FAILED: it is damaged.
int instances_load(struct instance **ret, const struct host_paths *paths,
                   const struct instance_name *name, struct error *err) MUST_USE;
// Reads the secret of instance `name` into `ret`, INSTANCE_PASSWORD_MAX + 1 bytes. ERROR_FAILED: it
// is gone or damaged.
int instances_load_password(char *ret, int instance_fd, const char *name, struct error *err)
    MUST_USE;
// Stores both. An empty instance->rcon_password keeps the one that is there or makes a new one.
int instances_save(int instance_fd, const struct instance *instance, struct error *err) MUST_USE;

// True for the names that the page gives, after the numbers of its servers: s1, s2, …
bool instances_is_of_page(const struct instance_name *name);
// The names of all instances, sorted.
int instances_list(struct strings *ret, const struct host_paths *paths, struct error *err) MUST_USE;
// ERROR_EXISTS, with the name, if another instance than `name` has one of the ports of `instance`.
int instances_check_ports(const struct host_paths *paths, const struct instance_name *name,
                          const struct instance *instance, struct error *err) MUST_USE;
