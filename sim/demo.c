// SPDX-License-Identifier: MIT
#include "demo.h"

#include "base/macros.h"
#include "console.h"
#include "map.h"
#include "options.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO_BYTES_PER_TICK 64

struct demo {
    struct game *game;
    FILE        *file; // NULL: not recording
    unsigned     n_ticks;
    char         name[256];
};

struct demo *demo_new(struct game *game)
{
    struct demo *demo = calloc(1, sizeof *demo);

    if (demo)
        demo->game = game;
    return demo;
}

struct demo *demo_free(struct demo *demo)
{
    if (demo && demo->file)
        demo_stop(demo);
    free(demo);
    return NULL;
}

void demo_record(struct demo *demo, const char *name)
{
    struct console *console = demo->game->console;
    char            path[PATH_MAX];

    if (demo->file) {
        console_print(console, "SourceTV already recording to %s.\n", demo->name);
        return;
    }
    if (strstr(name, "..") || *name == '/') {
        console_print(console, "tv_record: a name below the game, without ..\n");
        return;
    }

    size_t n = strlen(name);
    bool   has_extension = n > 4 && strcmp(name + n - 4, ".dem") == 0;
    snprintf(demo->name, sizeof demo->name, "%s%s", name, has_extension ? "" : ".dem");
    snprintf(path, sizeof path, "%s/%s", demo->game->options->game, demo->name);
    demo->file = fopen(path, "we");
    if (!demo->file) {
        console_print(console, "Couldn't open %s for recording: %s\n", path, strerror(errno));
        return;
    }
    fwrite("HL2DEMO", 1, sizeof "HL2DEMO", demo->file);
    fprintf(demo->file, "%s%c", map_name(demo->game->map), 0);
    fflush(demo->file);
    demo->n_ticks = 0;
    console_print(console, "Recording SourceTV demo to %s...\n", demo->name);
}

void demo_stop(struct demo *demo)
{
    if (!demo->file) {
        console_print(demo->game->console, "Not recording SourceTV demo.\n");
        return;
    }
    fclose(demo->file);
    demo->file = NULL;
    console_print(demo->game->console, "Completed SourceTV demo \"%s\", recording time %u ticks\n",
                  demo->name, demo->n_ticks);
}

void demo_tick(struct demo *demo)
{
    static const char filler[DEMO_BYTES_PER_TICK];

    if (!demo->file)
        return;
    fwrite(filler, 1, sizeof filler, demo->file);
    demo->n_ticks++;
}
