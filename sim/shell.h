// SPDX-License-Identifier: MIT
#pragma once

// shell: runs console text: commands, variables, nested exec.
//
// A config file with a byte that is not ASCII hangs or crashes the real parser, also when the byte
// is in a comment; here it is named in the console and the rest of that file is not run.

#include "game.h"
#include <stdbool.h>
#include <stddef.h>

#define SHELL_ARGS_MAX   64u
#define SHELL_LINE_MAX   1024u // bytes of one command
#define SHELL_DEPTH_MAX  16u   // config files that run one another
#define SHELL_CONFIG_MAX (1024u * 1024)

struct args {
    size_t      count; // the command itself included
    const char *values[SHELL_ARGS_MAX];
    const char *rest; // everything behind the command, quotes and all
};

struct command {
    const char *name;
    void (*run)(struct game *game, const struct args *args);
    const char *help;
};

struct shell;

struct shell *shell_new(struct game *game); // NULL: no memory
struct shell *shell_free(struct shell *shell);

// Runs all commands in `text`. With `is_trusted` (the command line) hidden variables may be set.
void shell_run(struct shell *shell, const char *text, bool is_trusted);
void shell_exec(struct shell *shell, const char *config); // "server.cfg": a file below cfg/

// All commands, in the order of the tables; NULL behind the last.
const struct command *shell_command_at(size_t i);
