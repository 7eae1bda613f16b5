// SPDX-License-Identifier: MIT
#pragma once

// commands: the tables of console commands. To add one, add a row.

#include "shell.h"

struct command_table {
    const struct command *list;
    size_t                count;
};

extern const struct command_table commands_server;    // what every srcds has
extern const struct command_table commands_players;   // kicks and bans
extern const struct command_table commands_sourcemod; // sm, meta: there when installed
extern const struct command_table commands_emulator;  // sim_*: levers for tests
