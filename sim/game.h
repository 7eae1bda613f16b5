// SPDX-License-Identifier: MIT
#pragma once

// game: the parts of the running server, handed to every console command. A plain list; each part
// is known through its own header only.

#include <stdint.h>

struct bans;
struct console;
struct cvars;
struct demo;
struct files;
struct gamelog;
struct loop;
struct map;
struct options;
struct players;
struct programs;
struct query;
struct rcon;
struct shell;
struct ticker;
struct version;

struct game {
    const struct options *options;
    const struct version *version;
    struct loop          *loop;
    struct console       *console;
    struct cvars         *cvars;
    struct files         *files;
    struct gamelog       *gamelog;
    struct bans          *bans;
    struct players       *players;
    struct shell         *shell;
    struct ticker        *ticker;
    struct query         *query;
    struct rcon          *rcon;
    struct map           *map;
    struct demo          *demo;
    struct programs      *programs;
    uint64_t              started_us;
};
