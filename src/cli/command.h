// SPDX-License-Identifier: MIT
#pragma once

// command: a command of l4d2ctl is a row of a table: words, options, help, and a function. Commands
// about one kind of thing stand in a group and are called by two words: "overlay list".

#include "cli/cli.h"

enum option_bit {
    OPTION_JSON = 1 << 0,
    OPTION_FILE = 1 << 1,
    OPTION_LINES = 1 << 2,
    OPTION_FOLLOW = 1 << 3,
    OPTION_ALL_RUNS = 1 << 4,
    OPTION_STEAMCMD = 1 << 5,
    OPTION_VERBOSE = 1 << 6,
    OPTION_TYPE = 1 << 7,
    OPTION_KEEP = 1 << 8,
    OPTION_OUTPUT_MAX = 1 << 9,
    OPTION_REFRESH = 1 << 10,
    OPTION_NAME = 1 << 11,
    OPTION_HOLD = 1 << 12,
    OPTION_DETACH = 1 << 13,
    OPTION_SOURCE_FILE = 1 << 14,
    OPTION_WITH = 1 << 15,
    OPTION_PUT_FILE = 1 << 16,
    OPTION_RECURSIVE = 1 << 17,
    OPTION_STRIP = 1 << 18,
    OPTION_TO = 1 << 19,
    OPTION_ALL_PATHS = 1 << 20,
    OPTION_ARCHIVE = 1 << 21,
    OPTION_PAGE = 1 << 22,
    OPTION_UPLOAD = 1 << 23,
    OPTION_SERVICE = 1 << 24,
};

struct command {
    const char *name;
    const char *arguments; // "NAME [PATH]": one word each, those in brackets may be missing
    unsigned    options;   // enum option_bit
    const char *summary;
    const char *help;
    int (*run)(struct cli *cli, struct error *err);
    int (*prepare)(struct cli *cli, struct error *err); // as the caller; may be NULL
};

struct command_group {
    const char           *word, *summary;
    const struct command *commands;
    size_t                n_commands;
};

extern const struct command_group overlay_group, files_group;

// ---- options.c: the command line ---------------------------------------------------------------

#define EXIT_USAGE 2

// These return -1 to go on, else the exit code.
int  options_parse(struct cli *cli, const struct command *command, int argc, char **argv);
int  options_usage_error(const struct cli *cli, const struct command *command, const char *what,
                         const char *which);
void options_print_help(const struct command *command);
