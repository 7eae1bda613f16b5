// SPDX-License-Identifier: MIT
#include "map.h"

#include "console.h"
#include "cvars.h"
#include "files.h"
#include "gamelog.h"
#include "loop.h"
#include "options.h"
#include "players.h"
#include "query.h"
#include "rcon.h"
#include "shell.h"
#include "sourcemod.h"
#include "ticker.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAP_NAME_MAX 64

struct map {
    struct game        *game;
    struct loop_source *timer;
    char                name[MAP_NAME_MAX];
    char                next[MAP_NAME_MAX]; // empty: nothing is being loaded
    unsigned            n_loads;
    bool                is_hibernating;
};

const char *map_name(const struct map *map)
{
    return map->name;
}

unsigned map_changes(const struct map *map)
{
    return map->n_loads ? map->n_loads - 1 : 0;
}

bool map_is_hibernating(const struct map *map)
{
    return map->is_hibernating;
}

void map_hibernate(struct map *map)
{
    bool is_wanted = cvars_is_on(map->game->cvars, "sv_hibernate_when_empty") &&
                     players_count(map->game->players, false) == 0;

    if (is_wanted == map->is_hibernating)
        return;
    map->is_hibernating = is_wanted;
    ticker_set_hibernating(map->game->ticker, is_wanted);
    console_print(map->game->console, "Server %s\n",
                  is_wanted ? "is hibernating" : "waking up from hibernation");
}

// --- what the first map brings up -------------------------------------------------------------

// Steam registration needs its client library below HOME, and /proc/cpuinfo.
static void say_whether_public(const struct game *game)
{
    const char *home = getenv("HOME");
    char        path[4096];

    snprintf(path, sizeof path, "%s/.steam/sdk32/steamclient.so", home ? home : "");
    bool has_client = access(path, R_OK) == 0;
    bool has_cpuinfo = access("/proc/cpuinfo", R_OK) == 0;
    if (!has_client)
        console_print(game->console, "[S_API] SteamAPI_Init(): Failed to load module '%s'\n", path);
    if (!has_cpuinfo)
        console_print(game->console, "Unable to read CPU information from /proc/cpuinfo\n");
    if (!has_client || !has_cpuinfo) {
        console_print(game->console, "LAN servers are restricted to local clients (class C).\n");
        return;
    }
    console_print(game->console, "Connection to Steam servers successful.\n");
    console_print(game->console, "   VAC secure mode is %s.\n",
                  game->options->is_insecure ? "disabled" : "activated");
}

// --- loading ----------------------------------------------------------------------------------

// SourceMod keeps state in data/, and runs its own config behind server.cfg.
static void run_sourcemod(const struct map *map)
{
    const struct game *game = map->game;

    if (!files_exists(game->files, "addons/sourcemod"))
        return;
    sourcemod_remember(game->options->game, map->name);
    if (files_exists(game->files, "cfg/sourcemod/sourcemod.cfg"))
        shell_exec(game->shell, "sourcemod/sourcemod.cfg");
}

static void run_configs(const struct map *map)
{
    const struct game *game = map->game;

    console_print(game->console, "Executing dedicated server config file server.cfg\n");
    shell_exec(game->shell, "server.cfg");
    run_sourcemod(map);
    if (files_exists(game->files, "cfg/banned_user.cfg"))
        shell_exec(game->shell, "banned_user.cfg");
    if (files_exists(game->files, "cfg/banned_ip.cfg"))
        shell_exec(game->shell, "banned_ip.cfg");
}

static void on_loaded(void *userdata, uint64_t n_expired)
{
    struct map  *map = userdata;
    struct game *game = map->game;

    (void)n_expired; // armed once
    memcpy(map->name, map->next, sizeof map->name);
    run_configs(map);
    gamelog_print(game->gamelog, "Started map \"%s\" (CRC \"-1\")", map->name);
    if (map->n_loads++ == 0)
        say_whether_public(game);

    *map->next = '\0';
    query_set_silent(game->query, false);
    rcon_set_paused(game->rcon, false);
    map_hibernate(map);
    console_print(game->console, "[sim] ready: map %s, port %u\n", map->name,
                  query_port(game->query));
}

void map_load(struct map *map, const char *name)
{
    struct game *game = map->game;

    if (strlen(name) >= MAP_NAME_MAX || !files_has_map(game->files, name)) {
        console_print(game->console,
                      "CModelLoader::Map_IsValid:  No such map 'maps/%s.bsp'\n"
                      "map load failed: %s not found or invalid\n",
                      name, name);
        return;
    }

    double time_ms =
        cvars_number(game->cvars, map->n_loads ? "sim_mapchange_ms" : "sim_startup_ms");
    (void)snprintf(map->next, sizeof map->next, "%s", name); // fits
    gamelog_print(game->gamelog, "Loading map \"%s\"", name);
    console_print(game->console, "%sLoading map \"%s\"\n",
                  map->n_loads ? "---- Host_Changelevel ----\n" : "", name);
    query_set_silent(game->query, true);
    rcon_set_paused(game->rcon, true);
    loop_set_timer(map->timer, MAX((uint64_t)(time_ms * 1000), 1u), 0);
}

int map_new(struct map **ret, struct game *game, struct error *err)
{
    AUTO(freep)
    struct map *map = calloc(1, sizeof *map);
    if (!map)
        return error_sys(err, ENOMEM, "allocating the map");

    map->game = game;
    if (loop_add_timer(&map->timer, game->loop, on_loaded, map, err) < 0)
        return -1;

    *ret = TAKE(map);
    return 0;
}

struct map *map_free(struct map *map)
{
    if (map)
        loop_source_free(map->timer);
    free(map);
    return NULL;
}
