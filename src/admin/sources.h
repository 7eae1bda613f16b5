// SPDX-License-Identifier: MIT
#pragma once

// sources: what overlays are made from, into archives and out of them.

#include "admin/pack.h"
#include "host/source.h"

#define SOURCES_MAX 4096u // of one archive

// Settings, text and tree, below sources/NUMBER. `tree` may be NULL.
int sources_pack(struct pack *pack, const struct host_paths *paths, const struct source *source,
                 const struct pack_tree *tree, struct error *err) MUST_USE;

// The settings of all in the directory `fd`, which is `sources` of an archive that was unpacked,
// by number. `ret` has room for SOURCES_MAX.
int sources_list_unpacked(struct source *ret, size_t *ret_n, int fd, struct error *err) MUST_USE;
