// SPDX-License-Identifier: MIT
#include "commands.h"

#include "base/macros.h"
#include "console.h"
#include "cvars.h"
#include "demo.h"
#include "files.h"
#include "gamelog.h"
#include "loop.h"
#include "map.h"
#include "options.h"
#include "players.h"
#include "query.h"
#include "ticker.h"
#include "version.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

// --- status -----------------------------------------------------------------------------------

static void print_player(const struct game *game, const struct player *player)
{
    unsigned seconds = (unsigned)((loop_now_us() - player->joined_us) / 1000000);
    char     connected[32];

    if (player->is_bot) {
        console_print(game->console, "# %u \"%s\" BOT active\n", player->user_id, player->name);
        return;
    }
    if (seconds >= 3600)
        snprintf(connected, sizeof connected, "%u:%02u:%02u", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
    else
        snprintf(connected, sizeof connected, "%02u:%02u", seconds / 60, seconds % 60);
    console_print(game->console, "# %2u %u \"%s\" %s %s %u %u %s %u %s\n", player->user_id,
                  player->slot, player->name, player->steam_id, connected, player->ping_ms, 0u,
                  player->is_joining ? "spawning" : "active", 30000u, player->address);
}

static void run_status(struct game *game, const struct args *args)
{
    const struct player *player;

    (void)args;
    console_print(game->console, "hostname: %s\n", cvars_text(game->cvars, "hostname"));
    console_print(game->console, "version : %s %s %s  (unknown)\n", game->version->patch,
                  game->version->build, game->options->is_insecure ? "insecure" : "secure");
    console_print(game->console, "udp/ip  : %s:%u [ public n/a ]\n",
                  game->options->ip ? game->options->ip : "0.0.0.0", query_port(game->query));
    console_print(game->console, "os      : Linux Dedicated\n");
    console_print(game->console, "map     : %s\n", map_name(game->map));
    console_print(game->console, "players : %u humans, %u bots (%u max) (%s) (unreserved)\n",
                  players_count(game->players, false), players_count(game->players, true),
                  players_max(game->players),
                  map_is_hibernating(game->map) ? "hibernating" : "not hibernating");
    console_print(game->console, "\n# userid name uniqueid connected ping loss state rate adr\n");
    for (size_t i = 0; (player = players_at(game->players, i)); i++)
        print_player(game, player);
    console_print(game->console, "#end\n");
}

static void run_users(struct game *game, const struct args *args)
{
    const struct player *player;
    unsigned             count = 0;

    (void)args;
    console_print(game->console, "<slot:userid:\"name\">\n");
    for (size_t i = 0; (player = players_at(game->players, i)); i++, count++)
        console_print(game->console, "%u:%u:\"%s\"\n", player->slot, player->user_id, player->name);
    console_print(game->console, "%u users\n", count);
}

static void run_stats(struct game *game, const struct args *args)
{
    struct ticker_stats  ticks;
    struct query_traffic traffic;

    (void)args;
    ticker_stats(game->ticker, &ticks);
    query_traffic(game->query, &traffic);
    console_print(game->console,
                  "CPU    In (KB/s)  Out (KB/s)  Uptime  Map changes  FPS      "
                  "Players  Connects\n"
                  "%-5.2f  %-9.2f  %-10.2f  %-6u  %-11u  %-7.2f  %-7u  %u\n",
                  100 * ticks.cpu_share, traffic.in_bytes_s, traffic.out_bytes_s,
                  (unsigned)((loop_now_us() - game->started_us) / 60000000), map_changes(game->map),
                  ticks.fps, players_count(game->players, false), players_connects(game->players));
}

static void run_version(struct game *game, const struct args *args)
{
    (void)args;
    console_print(game->console,
                  "Protocol version 2100\nExe version %s (%s)\n"
                  "Exe build: emulator (%s) (550)\n",
                  game->version->patch, game->options->game, game->version->build);
}

// --- maps, configs, the end -------------------------------------------------------------------

static void run_map(struct game *game, const struct args *args)
{
    const struct player *player;

    if (args->count < 2) {
        console_print(game->console, "map <levelname>\n");
        return;
    }
    if (files_has_map(game->files, args->values[1]))
        while ((player = players_at(game->players, 0)))
            players_remove(game->players, player->user_id);
    map_load(game->map, args->values[1]);
}

static void run_changelevel(struct game *game, const struct args *args)
{
    if (args->count < 2)
        console_print(game->console, "changelevel <levelname> : continue game on a new level\n");
    else
        map_load(game->map, args->values[1]);
}

static void run_exec(struct game *game, const struct args *args)
{
    if (args->count < 2)
        console_print(game->console, "exec <filename>: execute a script file\n");
    else
        shell_exec(game->shell, args->values[1]);
}

static void run_quit(struct game *game, const struct args *args)
{
    (void)args;
    loop_stop(game->loop);
}

static void run_echo(struct game *game, const struct args *args)
{
    for (size_t i = 1; i < args->count; i++)
        console_print(game->console, "%s ", args->values[i]);
    console_print(game->console, "\n");
}

static void run_say(struct game *game, const struct args *args)
{
    console_print(game->console, "Console: %s\n", args->rest);
    gamelog_print(game->gamelog, "\"Console<0><Console><Console>\" say \"%s\"", args->rest);
}

static void run_log(struct game *game, const struct args *args)
{
    if (args->count > 1 && strcasecmp(args->values[1], "on") == 0)
        gamelog_open(game->gamelog);
    else if (args->count > 1 && strcasecmp(args->values[1], "off") == 0)
        gamelog_close(game->gamelog);
    else
        console_print(game->console, "Usage: log < on | off >\nCurrently %s\n",
                      gamelog_is_open(game->gamelog) ? "logging" : "not logging");
}

// --- lists ------------------------------------------------------------------------------------

static void run_cvarlist(struct game *game, const struct args *args)
{
    const struct command *command;
    const struct cvar    *cvar;
    unsigned              count = 0;

    (void)args;
    console_print(game->console, "cvar list\n--------------\n");
    for (size_t i = 0; (cvar = cvars_at(game->cvars, i)); i++) {
        if (cvar->flags & CVAR_HIDDEN)
            continue;
        console_print(game->console, "%-40s : %-8s : %s : %s\n", cvar->name,
                      cvar->flags & CVAR_SECRET ? "***" : cvar->value,
                      cvar->flags & CVAR_RULE ? ", \"sv\", \"nf\"" : ", \"sv\"", cvar->help);
        count++;
    }
    for (size_t i = 0; (command = shell_command_at(i)); i++, count++)
        console_print(game->console, "%-40s : cmd      :  : %s\n", command->name, command->help);
    console_print(game->console, "--------------\n%u total convars/concommands\n", count);
}

static void run_tv_record(struct game *game, const struct args *args)
{
    if (args->count < 2)
        console_print(game->console, "Usage: tv_record <filename>\n");
    else
        demo_record(game->demo, args->values[1]);
}

static void run_tv_stoprecord(struct game *game, const struct args *args)
{
    (void)args;
    demo_stop(game->demo);
}

static const struct command list[] = {
    { "status", run_status, "Display map and connection status." },
    { "users", run_users, "Show user info for players on server." },
    { "stats", run_stats, "Prints server performance variables" },
    { "version", run_version, "Print version info string." },
    { "map", run_map, "Start playing on specified map." },
    { "changelevel", run_changelevel, "Change server to the specified map" },
    { "exec", run_exec, "Execute script file." },
    { "quit", run_quit, "Exit the engine." },
    { "exit", run_quit, "Exit the engine." },
    { "echo", run_echo, "Echo text to console." },
    { "say", run_say, "Display player message" },
    { "log", run_log, "Enables logging to file and console < on | off >." },
    { "cvarlist", run_cvarlist, "Show the list of convars/concommands." },
    { "tv_record", run_tv_record, "Starts SourceTV demo recording." },
    { "tv_stoprecord", run_tv_stoprecord, "Stops SourceTV demo recording." },
};

const struct command_table commands_server = { list, ELEMENTS(list) };
