// SPDX-License-Identifier: MIT
#pragma once

// contents: reads an add-on from end to end: whether it is whole, and what is in it.

#include <stdint.h>
#include "base/error.h"

#define CONTENTS_NAME_MAX 64u // bytes of a map's or mission's name, the NUL included
#define CONTENTS_LIST_MAX 64u // names of each kind that are kept; all are counted

struct contents_list {
    uint32_t n; // that there are
    char     names[CONTENTS_LIST_MAX][CONTENTS_NAME_MAX];
};

struct contents {
    uint32_t             n_files, n_models, n_scripts;
    struct contents_list maps;     // maps/NAME.bsp
    struct contents_list missions; // missions/NAME.txt
};

// Reads the archive `name` in `dir_fd`, every byte of every file in it, against its checksums.
// ERROR_INVALID: it is damaged, or no archive.
int contents_read(struct contents *ret, int dir_fd, const char *name, struct error *err) MUST_USE;
