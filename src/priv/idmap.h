// SPDX-License-Identifier: MIT
#pragma once

// idmap: clones of directories in which the owner on disk appears as somebody else.
//
// A tree that belongs to `disk` on disk is shown as belonging to `view`; root stays root, because
// overlayfs makes its work directory as root and would otherwise fall back to read-only. All other
// owners are shown as nobody. Kernel 5.19 or newer for use as overlayfs layers.

#include "base/error.h"
#include "priv/account.h"

// A user namespace that serves as the map disk -> view. Needs CAP_SETUID, CAP_SETGID and, since
// root is mapped, CAP_SETFCAP. *ret is a descriptor.
int idmap_open(int *ret, struct account disk, struct account view, struct error *err) MUST_USE;

// A detached mount of the directory `dir_fd` with the map and `attributes` (MOUNT_ATTR_*) applied;
// mounts below it are not included. *ret is a descriptor. Needs CAP_SYS_ADMIN.
int idmap_clone(int *ret, int dir_fd, int map_fd, unsigned long attributes,
                struct error *err) MUST_USE;
