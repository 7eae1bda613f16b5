// SPDX-License-Identifier: MIT
#pragma once

// restore: what the parts of a restore share.
//
// Root does no more than it must: it takes the key and the settings from where they were unpacked,
// and opens directories. Whoever reads the archive and writes the rest is left4me; what games wrote
// is written by left4me-content.

#include "admin/admin.h"
#include "admin/manifest.h"

#define RESTORE_DIR "restore" // beside the database, while it is under way

// Opens the directory that the database is in.
int restore_open_dir(int *ret, const struct admin *admin, struct error *err) MUST_USE;
// The same for where the archive is unpacked to, or a directory in it. ERROR_NOT_FOUND: the archive
// had none.
int restore_open_stage(int *ret, const struct admin *admin, const char *path, struct error *err)
    MUST_USE;

// ---- parts, as left4me ------------------------------------------------------------------------

// Whether this machine may be restored to; then unpacks and checks all of the archive.
int restore_stage(struct admin *admin, void *context, struct error *err) MUST_USE;
// Overlays and instances.
int restore_place(struct admin *admin, void *context, struct error *err) MUST_USE;
// The database, and what is to be done now.
int restore_finish(struct admin *admin, void *context, struct error *err) MUST_USE;
int restore_clean(struct admin *admin, void *context, struct error *err) MUST_USE;
