// SPDX-License-Identifier: MIT
#pragma once

// cvars-table: every console variable the emulator knows.

#include <stddef.h>

struct cvars_row {
    const char *name;
    const char *initial;
    int         flags; // enum cvar_flag
    const char *help;
};

extern const struct cvars_row cvars_table[];
extern const size_t           cvars_table_count;
