// SPDX-License-Identifier: MIT
#pragma once

// cvars: variables of the game that a line of a configuration cannot set.
//
// The console does not know those that are made for development alone, and refuses those that are
// called cheats while sv_cheats is 0. A plug-in may set both: SourceMod has sm_cvar for it. The
// table has the ones that people write into configurations, no more, so that it raises no false
// alarm; whether one is hidden or a cheat was looked up in what `cvarlist` of a dedicated server
// prints, where the hidden ones are missing and the others carry "cheat".
// Sources: docs/explain.md.

#include <stdbool.h>

enum cvar_kind { CVAR_ORDINARY, CVAR_HIDDEN, CVAR_CHEAT };

// Names compare without regard to case, as in the console.
enum cvar_kind cvar_kind_of(const char *name);
