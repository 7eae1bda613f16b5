// SPDX-License-Identifier: MIT
#pragma once

// sourcemod: what SourceMod keeps below addons/sourcemod/data/ of the running game.

// Adds `map` to data/sim-maps.txt, and to the local database, data/sqlite/sourcemod-local.sq3. As
// SQLite does, a transaction keeps a journal beside the database and ends by deleting it; one that
// a killed server has left is deleted as well. Whatever fails is left out: the game goes on.
void sourcemod_remember(const char *game, const char *map);
