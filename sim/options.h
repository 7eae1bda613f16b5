// SPDX-License-Identifier: MIT
#pragma once

// options: the command line of srcds. Words with '-' are switches of the launcher, words with '+'
// are console commands with all words up to the next switch as their arguments.

#include "base/error.h"
#include <stdint.h>

#define OPTIONS_COMMANDS_MAX 64u
#define OPTIONS_COMMAND_MAX  512u // bytes of one '+' command

struct options {
    const char *game; // left4dead2
    const char *ip;   // NULL: not given
    uint16_t    port;
    uint16_t    client_port;
    uint16_t    tv_port;
    bool        is_port_strict;
    bool        is_tv_enabled;
    bool        is_insecure;
    uint32_t    tickrate;
    uint32_t    max_players;
    char        map[64]; // empty: none
    size_t      n_commands;
    char        commands[OPTIONS_COMMANDS_MAX][OPTIONS_COMMAND_MAX]; // in order, without map
};

// `argv` must live as long as *ret. Unknown switches are ignored, as the engine does.
int options_parse(struct options *ret, int argc, char **argv, struct error *err) MUST_USE;
