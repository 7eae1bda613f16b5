// SPDX-License-Identifier: MIT
#pragma once

// progress: two phases of SteamCMD, each with stages of its own, as one scale from 0 to 100 %.
//
// The first phase downloads nearly everything, the second a little and then reads every file.
// The scale never goes back, also when a phase is tried again.

#include <stdbool.h>
#include "steam/output.h"

enum steam_phase { STEAM_PHASE_WINDOWS, STEAM_PHASE_LINUX, STEAM_PHASE_COUNT };

struct progress { // starts as { 0 }
    uint32_t permille;
    uint32_t last_percent;
    uint64_t last_done;
    bool     has_last;
};

// Takes in a STEAM_PROGRESS event. False: there is nothing new to tell.
bool progress_take(struct progress *progress, enum steam_phase phase,
                   const struct steam_event *event);
// What SteamCMD does in this state of this phase, in words.
const char *progress_words(enum steam_phase phase, uint32_t state);
