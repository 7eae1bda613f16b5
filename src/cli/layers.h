// SPDX-License-Identifier: MIT
#pragma once

// layers: what explain and drift have in common.

#include "cli/cli.h"
#include "explain/layers.h"

// The layers of cli->name: what is mounted, else what was applied, else what the next start would
// take; *ret_when says which. *ret is owned.
int layers_open_now(struct layers **ret, const char **ret_when, const struct cli *cli,
                    struct error *err) MUST_USE;

const char *layers_entry_word(enum layer_entry entry);
const char *layers_role_word(enum layer_role role);
