// SPDX-License-Identifier: MIT
#include "version.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void take_value(char *ret, size_t n_ret, const char *line, const char *key)
{
    size_t n = strlen(key);

    if (strncmp(line, key, n) != 0 || line[n] != '=')
        return;
    snprintf(ret, n_ret, "%.*s", (int)strcspn(line + n + 1, "\r\n"), line + n + 1);
}

void version_read(struct version *ret, const char *game)
{
    char path[PATH_MAX], line[256];

    *ret = (struct version){ .patch = "0.0.0.0", .build = "0" };
    snprintf(path, sizeof path, "%s/steam.inf", game);
    FILE *file = fopen(path, "re");
    if (!file)
        return;

    while (fgets(line, sizeof line, file)) {
        take_value(ret->patch, sizeof ret->patch, line, "PatchVersion");
        take_value(ret->build, sizeof ret->build, line, "ServerVersion");
    }
    fclose(file);
}
