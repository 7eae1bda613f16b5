// SPDX-License-Identifier: MIT
#pragma once

// instance: what a person asks a server to be, read from SPEC.yaml and written back in one form.
//
// Keys: port (required), tv_port, client_port, hostname, rcon_password, overlays (numbers, in
// order, later ones win; the game is below all of them by itself), server_cfg_of (those of them
// whose server.cfg is run too), arguments (list of words for srcds), config (list of lines or a
// block of text), limits: memory, cpu, cpus, tasks. Anything else is refused with file, line and
// one sentence; YAML's anchors, aliases and tags as well.

#include <stdint.h>
#include "base/protocol.h"
#include "host/buffer.h"

#define INSTANCE_BYTES_MAX        131072u                 // of SPEC.yaml
#define INSTANCE_OVERLAYS_MAX     (STACK_LAYERS_MAX - 2u) // the game and a private one come on top
#define INSTANCE_ARGUMENTS_MAX    128u
#define INSTANCE_ARGUMENT_MAX     256u // bytes
#define INSTANCE_CONFIG_LINES_MAX 2048u
#define INSTANCE_CONFIG_LINE_MAX  511u // the engine cuts longer commands
#define INSTANCE_HOSTNAME_MAX     120u // bytes
#define INSTANCE_PASSWORD_MIN     8u
#define INSTANCE_PASSWORD_MAX     64u

struct instance {
    uint16_t       port, tv_port, client_port;               // all three set and different
    char           hostname[INSTANCE_HOSTNAME_MAX + 1];      // empty: the name is used
    char           rcon_password[INSTANCE_PASSWORD_MAX + 1]; // empty: not given
    uint32_t       n_overlays;
    uint32_t       overlays[INSTANCE_OVERLAYS_MAX]; // lowest first
    uint32_t       own_overlay;                     // above them; not in SPEC.yaml; 0: none
    uint32_t       n_server_cfg_of;
    uint32_t       server_cfg_of[INSTANCE_OVERLAYS_MAX]; // some of `overlays`, as ordered there
    struct strings arguments;
    struct strings config; // lines
    struct instance_limits limits;
};

// Reads SPEC.yaml. `file` is what messages call it. Fails with ERROR_INVALID and
// "FILE:LINE: sentence". *ret is owned.
int  instance_parse(struct instance **ret, const char *file, const char *bytes, size_t n_bytes,
                    struct error *err) MUST_USE;
void instance_free(struct instance *instance);
void instance_freep(struct instance **instance);

// Adds the one normalised form, without the secret: instance_parse reads it back to the same.
void instance_format(struct buffer *text, const struct instance *instance);

// Adds a word per key in which the two differ, apart from the secret.
void instance_compare(struct strings *ret, const struct instance *a, const struct instance *b);

// True for what rcon_password may hold: INSTANCE_PASSWORD_MIN to _MAX of A-Z a-z 0-9 . _ ~ + = -
bool instance_password_is_valid(const char *text);
