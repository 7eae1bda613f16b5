// SPDX-License-Identifier: MIT
#pragma once

// map: which map runs, and what happens when another one is loaded: silence, server.cfg, a new
// line in the log. The first map also brings the server up.

#include "base/error.h"
#include "game.h"
#include <stdbool.h>

struct map;

int         map_new(struct map **ret, struct game *game, struct error *err) MUST_USE;
struct map *map_free(struct map *map);

const char *map_name(const struct map *map); // empty: none runs
unsigned    map_changes(const struct map *map);

// Starts to load `name`; says on the console when there is no such map.
void map_load(struct map *map, const char *name);
// Called each tick: hibernates or wakes up.
void map_hibernate(struct map *map);
bool map_is_hibernating(const struct map *map);
