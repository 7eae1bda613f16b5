// SPDX-License-Identifier: MIT
#pragma once

// admin: the commands of left4me, a row each.

#include <jansson.h>
#include "store/database.h"

struct admin {
    struct database *db;
    const char      *name; // of a user
    bool             is_admin, is_json;
};

struct admin_command {
    const char *group, *name, *argument, *summary;
    bool        takes_admin; // --admin
    int (*run)(struct admin *admin, struct error *err);
};

extern const struct admin_command admin_commands[];
extern const size_t               admin_n_commands;

// Takes `json` (a json_t, NULL without memory) and prints it, or `text` without --json.
int admin_say(const struct admin *admin, json_t *json, const char *text, struct error *err)
    MUST_USE;
