// SPDX-License-Identifier: MIT
#include "commands.h"

#include "base/macros.h"
#include "console.h"
#include "cvars.h"
#include "files.h"
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Without the add-on its commands do not exist.
static bool is_missing(const struct game *game, const struct args *args, const char *folder)
{
    if (files_exists(game->files, folder))
        return false;
    console_print(game->console, "Unknown command \"%s\"\n", args->values[0]);
    return true;
}

static int is_plugin(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 4 && strcmp(entry->d_name + n - 4, ".smx") == 0;
}

static void list_plugins(const struct game *game)
{
    struct dirent **entries = NULL;
    char            path[PATH_MAX];

    snprintf(path, sizeof path, "%s/addons/sourcemod/plugins", files_game(game->files));
    int n = scandir(path, &entries, is_plugin, alphasort);
    console_print(game->console, "[SM] Listing %d plugin%s:\n", MAX(n, 0), n == 1 ? "" : "s");
    for (int i = 0; i < n; i++) {
        console_print(game->console, "  %02d \"%.*s\" (1.12.0) by emulator\n", i + 1,
                      (int)strlen(entries[i]->d_name) - 4, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void run_sm(struct game *game, const struct args *args)
{
    if (is_missing(game, args, "addons/sourcemod"))
        return;
    if (args->count > 2 && strcmp(args->values[1], "plugins") == 0 &&
        strcmp(args->values[2], "list") == 0)
        list_plugins(game);
    else if (args->count > 1 && strcmp(args->values[1], "version") == 0)
        console_print(game->console, " SourceMod Version Information:\n"
                                     "    SourceMod Version: 1.12.0.7000\n"
                                     "    Compiled on: emulator\n");
    else
        console_print(game->console, "SourceMod Menu:\nUsage: sm <command> [arguments]\n"
                                     "    plugins          - Manage Plugins\n"
                                     "    version          - Display version information\n");
}

static void run_meta(struct game *game, const struct args *args)
{
    if (is_missing(game, args, "addons/metamod"))
        return;
    if (args->count > 1 && strcmp(args->values[1], "list") == 0)
        console_print(game->console, "Listing %d plugin%s:\n%s",
                      files_exists(game->files, "addons/sourcemod"), "s",
                      files_exists(game->files, "addons/sourcemod")
                          ? "  [01] SourceMod (1.12.0.7000) by AlliedModders LLC\n"
                          : "");
    else
        console_print(game->console, " Metamod:Source Version Information\n"
                                     "    Metamod:Source version 1.12.0-dev+1219\n"
                                     "    Plugin interface version: 17:14\n");
}

// The way to variables that the console itself denies knowing.
static void run_sm_cvar(struct game *game, const struct args *args)
{
    if (is_missing(game, args, "addons/sourcemod"))
        return;

    const struct cvar *cvar = args->count > 1 ? cvars_find(game->cvars, args->values[1]) : NULL;
    if (args->count < 2)
        console_print(game->console, "[SM] Usage: sm_cvar <name> [value]\n");
    else if (!cvar)
        console_print(game->console, "[SM] Unable to find cvar: %s\n", args->values[1]);
    else if (args->count == 2)
        console_print(game->console, "[SM] Value of cvar \"%s\": \"%s\"\n", cvar->name,
                      cvar->flags & CVAR_SECRET ? "***PROTECTED***" : cvar->value);
    else
        cvars_set(game->cvars, cvar, args->values[2]);
}

static const struct command list[] = {
    { "sm", run_sm, "SourceMod Menu" },
    { "sm_cvar", run_sm_cvar, "sm_cvar <cvar> [value]" },
    { "meta", run_meta, "Metamod:Source control options" },
};

const struct command_table commands_sourcemod = { list, ELEMENTS(list) };
