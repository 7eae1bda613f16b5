// SPDX-License-Identifier: MIT
#pragma once

// stockmaps: the maps that come with Left 4 Dead 2, its additions included. A mission of an add-on
// may name them without having them.

#include <stdbool.h>

// `name` as in the console: no folder, no extension; letters of any case.
bool stockmaps_has(const char *name);
