// SPDX-License-Identifier: MIT
#pragma once

// version: what steam.inf says about the installed game.

struct version {
    char patch[32]; // "2.2.4.3"
    char build[16]; // "9477", from ServerVersion
};

// Reads GAME/steam.inf; what is missing there gets a value.
void version_read(struct version *ret, const char *game);
