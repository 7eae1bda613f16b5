// SPDX-License-Identifier: MIT
#include "commands.h"

#include "bans.h"
#include "base/macros.h"
#include "console.h"
#include "gamelog.h"
#include "options.h"
#include "players.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_player(struct game *game, const struct player *player, const char *reason)
{
    gamelog_print(game->gamelog, "\"%s<%u><%s><>\" disconnected (reason \"%s\")", player->name,
                  player->user_id, player->steam_id, reason);
    console_print(game->console, "Dropped %s from server (%s)\n", player->name, reason);
    players_remove(game->players, player->user_id);
}

static void run_kick(struct game *game, const struct args *args)
{
    const struct player *player =
        args->count > 1 ? players_find(game->players, args->values[1]) : NULL;

    if (args->count < 2)
        console_print(game->console, "Usage:  kick < name | userid >\n");
    else if (!player)
        console_print(game->console, "Can't kick \"%s\", name not found\n", args->values[1]);
    else
        drop_player(game, player, args->count > 2 ? args->values[2] : "Kicked by Console");
}

// A Steam id has colons, so the words may have been split by some consoles; here they are not.
static void run_banid(struct game *game, const struct args *args)
{
    if (args->count < 3) {
        console_print(game->console, "Usage:  banid < minutes > < userid | uniqueid > { kick }\n");
        return;
    }

    const struct player *player = players_find(game->players, args->values[2]);
    const char          *id = player ? player->steam_id : args->values[2];
    double               minutes = strtod(args->values[1], NULL);
    bool                 is_kicked = args->count > 3 && strcmp(args->values[3], "kick") == 0;
    bans_add(game->bans, BANS_ID, id, minutes);
    gamelog_print(game->gamelog, "Banid: \"<><%s><>\" was banned \"%s\" by \"Console\"", id,
                  minutes > 0 ? "for a time" : "permanently");
    if (player && is_kicked)
        drop_player(game, player, "Kicked and banned");
}

static void run_addip(struct game *game, const struct args *args)
{
    if (args->count < 3)
        console_print(game->console, "Usage:  addip < minutes > < ipaddress >\n");
    else
        bans_add(game->bans, BANS_IP, args->values[2], strtod(args->values[1], NULL));
}

static void remove_ban(struct game *game, const struct args *args, enum bans_kind kind,
                       const char *what)
{
    if (args->count < 2)
        console_print(game->console, "Usage:  %s < %s >\n", args->values[0], what);
    else if (!bans_remove(game->bans, kind, args->values[1]))
        console_print(game->console, "%s:  couldn't find %s\n", args->values[0], args->values[1]);
    else
        console_print(game->console, "%s:  filter removed for %s\n", args->values[0],
                      args->values[1]);
}

static void run_removeid(struct game *game, const struct args *args)
{
    remove_ban(game, args, BANS_ID, "uniqueid");
}

static void run_removeip(struct game *game, const struct args *args)
{
    remove_ban(game, args, BANS_IP, "ipaddress");
}

static void list_bans(struct game *game, enum bans_kind kind, const char *what)
{
    size_t count = bans_count(game->bans, kind);
    double minutes;

    if (count == 0) {
        console_print(game->console, "%s filter list: empty\n", what);
        return;
    }
    console_print(game->console, "%s filter list: %zu entries\n", what, count);
    for (size_t i = 0; i < count; i++) {
        const char *who = bans_at(game->bans, kind, i, &minutes);
        if (minutes > 0)
            console_print(game->console, "%zu %s : %.3f min\n", i + 1, who, minutes);
        else
            console_print(game->console, "%zu %s : permanent\n", i + 1, who);
    }
}

static void run_listid(struct game *game, const struct args *args)
{
    (void)args;
    list_bans(game, BANS_ID, "ID");
}

static void run_listip(struct game *game, const struct args *args)
{
    (void)args;
    list_bans(game, BANS_IP, "IP");
}

static void write_bans(struct game *game, enum bans_kind kind, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/cfg/%s", game->options->game, name);
    if (bans_write(game->bans, kind, path))
        console_print(game->console, "Writing cfg/%s.\n", name);
    else
        console_print(game->console, "Couldn't open cfg/%s: %s\n", name, strerror(errno));
}

static void run_writeid(struct game *game, const struct args *args)
{
    (void)args;
    write_bans(game, BANS_ID, "banned_user.cfg");
}

static void run_writeip(struct game *game, const struct args *args)
{
    (void)args;
    write_bans(game, BANS_IP, "banned_ip.cfg");
}

static const struct command list[] = {
    { "kick", run_kick, "Kick a player by userid or name." },
    { "kickid", run_kick, "Kick a player by userid or uniqueid, with a message." },
    { "banid", run_banid, "Add a user ID to the ban list." },
    { "removeid", run_removeid, "Remove a user ID from the ban list." },
    { "listid", run_listid, "Lists banned users." },
    { "writeid", run_writeid, "Writes a list of permanently-banned user IDs to banned_user.cfg." },
    { "addip", run_addip, "Add an IP address to the ban list." },
    { "removeip", run_removeip, "Remove an IP address from the ban list." },
    { "listip", run_listip, "List IP addresses on the ban list." },
    { "writeip", run_writeip, "Save the ban list to banned_ip.cfg." },
};

const struct command_table commands_players = { list, ELEMENTS(list) };
