// SPDX-License-Identifier: MIT
#pragma once

// config: the generated layer of an instance, in numbered, immutable generations.
//
//   instances/NAME/GEN/args                          the game port, then srcds's arguments, each
//                                                    with its NUL
//   instances/NAME/GEN/tree/left4dead2/cfg/server.cfg
//   instances/NAME/GEN/tree/left4dead2/cfg/server_overlay_ID.cfg
//                                                    copies of those of overlays, which it runs
//
// A generation is written as .new-GEN and renamed, so a number is whole or absent. The same content
// as that of the newest generation is that generation.

#include "host/exposed.h"

#define CONFIG_ARGS_FILE   "args"
#define CONFIG_SERVER_FILE "tree/left4dead2/cfg/server.cfg"
#define CONFIG_KEEP        3u // newest generations that stay, besides those in use

struct config {
    struct buffer  args;
    struct buffer  server_cfg; // holds the secret
    struct exposed exposed;
};

// Puts together what `instance`, called `name`, runs with. Takes what is in `exposed`, also when it
// fails. No file is touched.
int  config_render(struct config *ret, const struct instance *instance, const char *name,
                   const char *rcon_password, struct exposed *exposed, struct error *err) MUST_USE;
void config_done(struct config *config);

// The newest generation in the instance's directory, 0 if there is none.
int config_newest(uint32_t *ret, int instance_fd, struct error *err) MUST_USE;
// True if generation `generation` exists and holds exactly `config`.
bool config_is_same(int instance_fd, uint32_t generation, const struct config *config);
// The number of a generation that holds `config`: the newest one, or a new one.
int config_store(uint32_t *ret, int instance_fd, const struct config *config, struct error *err)
    MUST_USE;
// Drops generations other than the newest CONFIG_KEEP and the `n_used` in `used`, and what a
// killed writer left.
int config_collect(int instance_fd, const uint32_t *used, size_t n_used, struct error *err)
    MUST_USE;
