// SPDX-License-Identifier: MIT
#pragma once

// path: joins paths. One that does not fit ends the program: nobody has such an installation.

#include <limits.h>

void path_join(char ret[PATH_MAX], const char *dir, const char *name);
