// SPDX-License-Identifier: MIT
#include "sourcemod.h"

#include "base/fd.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCEMOD_DATA     "addons/sourcemod/data"
#define SOURCEMOD_DATABASE SOURCEMOD_DATA "/sqlite/sourcemod-local.sq3"

static void write_text(const char *path, int flags, const char *text)
{
    struct error ignored;

    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 || fd_write_all(fd, text, strlen(text), &ignored) < 0)
        return; // the game goes on without it
}

static void make_directory(const char *game, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", game, name);
    (void)mkdir(path, 0755); // there already, as a rule
}

static void run_transaction(const char *game, const char *line)
{
    char database[PATH_MAX], journal[PATH_MAX];

    make_directory(game, SOURCEMOD_DATA "/sqlite");
    snprintf(database, sizeof database, "%s/" SOURCEMOD_DATABASE, game);
    snprintf(journal, sizeof journal, "%s/" SOURCEMOD_DATABASE "-journal", game);
    (void)unlink(journal); // of a transaction that was cut off: nothing to roll back here
    write_text(journal, O_EXCL, "what was there before\n");
    write_text(database, O_APPEND, line);
    (void)unlink(journal); // the commit
}

void sourcemod_remember(const char *game, const char *map)
{
    char path[PATH_MAX], line[128];

    make_directory(game, SOURCEMOD_DATA);
    snprintf(path, sizeof path, "%s/" SOURCEMOD_DATA "/sim-maps.txt", game);
    snprintf(line, sizeof line, "%s\n", map);
    write_text(path, O_APPEND, line);
    run_transaction(game, line);
}
