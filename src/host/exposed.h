// SPDX-License-Identifier: MIT
#pragma once

// exposed: the server.cfg of overlays, of which a server runs copies before its own lines.
//
// They are read from the very generations that the server is to run on, and they are an author's:
// only a regular file is taken, by its descriptor, through no link, and never more than the limits.

#include "host/instance.h"
#include "host/paths.h"

#define EXPOSED_FILE      "left4dead2/cfg/server.cfg"
#define EXPOSED_BYTES_MAX (256u << 10) // of one file
#define EXPOSED_TOTAL_MAX (4u << 20)   // of all that one server runs

struct exposed_file {
    uint32_t      overlay;
    bool          is_there;
    struct buffer text; // any bytes
};

// Starts as { 0 }.
struct exposed {
    uint32_t            n;
    struct exposed_file files[INSTANCE_OVERLAYS_MAX]; // lowest overlay first
};

// Reads those of instance->server_cfg_of. An overlay without the file is no error. ERROR_DENIED,
// with the remedy: what is there cannot be taken.
int  exposed_read(struct exposed *ret, const struct host_paths *paths,
                  const struct instance *instance, const struct instance_stack *stack,
                  struct error *err) MUST_USE;
void exposed_done(struct exposed *exposed);
