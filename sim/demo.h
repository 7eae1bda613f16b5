// SPDX-License-Identifier: MIT
#pragma once

// demo: a SourceTV recording, GAME/NAME.dem. Its content is a header and filler; what matters is
// that a file stays open and grows.

#include "game.h"
#include <stdbool.h>

struct demo;

struct demo *demo_new(struct game *game);  // NULL: no memory
struct demo *demo_free(struct demo *demo); // completes a recording

void demo_record(struct demo *demo, const char *name); // says on the console what it does
void demo_stop(struct demo *demo);
void demo_tick(struct demo *demo);
