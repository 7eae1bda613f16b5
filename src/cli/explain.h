// SPDX-License-Identifier: MIT
#pragma once

// explain: shows what is in some layers as a whole; see explain/report.h.

#include "cli/cli.h"
#include "explain/view.h"

// `when` says which layers these are.
int explain_whole(const struct cli *cli, const struct view *view, const char *when,
                  struct error *err) MUST_USE;
