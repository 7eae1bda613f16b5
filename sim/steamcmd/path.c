// SPDX-License-Identifier: MIT
#include "path.h"

#include <stdio.h>
#include <stdlib.h>

void path_join(char ret[PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

    if (n >= 0 && n < PATH_MAX)
        return;
    printf("FAILED (path too long)\n");
    exit(1);
}
