// SPDX-License-Identifier: MIT
#include "content/cvars.h"

#include <strings.h>
#include "base/macros.h"

static const struct {
    const char    *name;
    enum cvar_kind kind;
} cvars[] = {
    { "allow_all_bot_survivor_team", CVAR_HIDDEN },
    { "director_afk_timeout", CVAR_HIDDEN },
    { "mp_autoteambalance", CVAR_HIDDEN },
    { "mp_gamemode", CVAR_HIDDEN },
    { "sv_client_max_interp_ratio", CVAR_HIDDEN },
    { "sv_client_min_interp_ratio", CVAR_HIDDEN },
    { "sv_force_unreserved", CVAR_HIDDEN },
    { "sv_hibernate_when_empty", CVAR_HIDDEN },
    { "sv_maxunlag", CVAR_HIDDEN },
    { "sv_unlag_fixstuck", CVAR_HIDDEN },
    { "nb_update_framelimit", CVAR_CHEAT },
    { "nb_update_frequency", CVAR_CHEAT },
    { "sb_all_bot_game", CVAR_CHEAT },
    { "sb_friendlyfire", CVAR_CHEAT },
    { "sb_max_team_melee_weapons", CVAR_CHEAT },
    { "survivor_crawl_speed", CVAR_CHEAT },
    { "survivor_friendly_fire_factor_easy", CVAR_CHEAT },
    { "survivor_friendly_fire_factor_expert", CVAR_CHEAT },
    { "survivor_friendly_fire_factor_hard", CVAR_CHEAT },
    { "survivor_friendly_fire_factor_normal", CVAR_CHEAT },
    { "survivor_limp_health", CVAR_CHEAT },
    { "survivor_max_incapacitated_count", CVAR_CHEAT },
    { "survivor_revive_duration", CVAR_CHEAT },
    { "survivor_revive_health", CVAR_CHEAT },
    { "sv_infinite_ammo", CVAR_CHEAT },
    { "sv_infinite_primary_ammo", CVAR_CHEAT },
    { "sv_vote_creation_timer", CVAR_CHEAT },
    { "sv_vote_plr_map_limit", CVAR_CHEAT },
    { "tongue_range", CVAR_CHEAT },
};

enum cvar_kind cvar_kind_of(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(cvars); i++)
        if (strcasecmp(cvars[i].name, name) == 0)
            return cvars[i].kind;
    return CVAR_ORDINARY;
}
