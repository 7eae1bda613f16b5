// SPDX-License-Identifier: MIT
#pragma once

// overlay: the commands of the group "overlay" that stand in files of their own, a function each.

#include "cli/cli.h"
#include "host/source.h"

int overlay_build_run(struct cli *cli, struct error *err);
int overlay_wipe_run(struct cli *cli, struct error *err);
int overlay_cancel_run(struct cli *cli, struct error *err);
int overlay_log_run(struct cli *cli, struct error *err);
int overlay_select_run(struct cli *cli, struct error *err);
int overlay_rollback_run(struct cli *cli, struct error *err);
int overlay_gc_run(struct cli *cli, struct error *err);
int overlay_refresh_run(struct cli *cli, struct error *err);
int overlay_diff_run(struct cli *cli, struct error *err);
int overlay_explain_run(struct cli *cli, struct error *err);

// ---- overlayitems.c: what is in a Workshop overlay ----------------------------------------------

// *ret is owned.
int overlay_items_json(json_t **ret, const struct cli *cli, const struct source *source,
                       uint32_t generation, struct error *err) MUST_USE;
int overlay_items_print(const struct cli *cli, const struct source *source, uint32_t generation,
                        struct error *err) MUST_USE;

// ---- finding -----------------------------------------------------------------------------------

// The overlay that the first word names.
int overlay_named(struct source *ret, const struct cli *cli, struct error *err) MUST_USE;
// The number of the newest build of the overlay whose scratch is still there; 0: none.
int overlay_newest_build(uint32_t *ret, const struct host_paths *paths, uint32_t overlay,
                         struct error *err) MUST_USE;
