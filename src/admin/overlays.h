// SPDX-License-Identifier: MIT
#pragma once

// overlays: makes and changes overlays of this machine from what a file says, on the host and in
// the database, without the worker.

#include "admin/admin.h"
#include "host/source.h"

// What an overlay is to hold. Of the three one, by its type; or none.
struct overlay_content {
    const char *text; // NULL: it has none yet
    size_t      n_text;
    int         dir_fd; // where a directory `tree` is, which is taken; -1: none
};

enum overlay_change { OVERLAY_SAME, OVERLAY_CHANGED, OVERLAY_CREATED };

// Takes name, type, keep, output_max_bytes and is_daily from `source`, whose number becomes that of
// the new overlay. It belongs to the user `owner`, 0: to the machine.
int overlays_create(struct admin *admin, struct source *source,
                    const struct overlay_content *content, int64_t owner, struct error *err)
    MUST_USE;
// Gives the overlay of that number these settings and this content. *ret tells whether they are
// others than it had; a tree always counts as another one.
int overlays_change(enum overlay_change *ret, struct admin *admin, const struct source *source,
                    const struct overlay_content *content, struct error *err) MUST_USE;
// Its row in the database, made unless it is there. As a part of a transaction.
int overlays_note(struct admin *admin, const struct source *source, int64_t owner,
                  struct error *err) MUST_USE;

// Who is meant by --owner, or the first admin who is active.
int overlays_owner(int64_t *ret, const struct admin *admin, struct error *err) MUST_USE;
