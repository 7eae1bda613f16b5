// SPDX-License-Identifier: MIT
#pragma once

// idmap: clones of directories in which the owner on disk appears as somebody else.
//
// A tree that belongs to one account on disk is shown as belonging to another; root stays root,
// because overlayfs makes its work directory as root and would otherwise fall back to read-only.
// All other owners are shown as nobody. Kernel 5.19 or newer for use as overlayfs layers.
//
// The maps are user namespaces. They are made once, at boot, by a program that may do nothing else,
// and are kept as bind mounts in a root-only directory: so the helper that mounts stacks needs
// neither the right to make namespaces nor the capabilities to write id maps.

#include "base/error.h"
#include "priv/account.h"

enum idmap {
    IDMAP_CONTENT_TO_GAME,  // published generations and uppers, as the game sees them
    IDMAP_CONTROL_TO_GAME,  // config layers
    IDMAP_CONTENT_TO_BUILD, // generations, scratch and caches, as a builder sees them
    IDMAP_CONTROL_TO_BUILD, // the source of an overlay, as its builder sees it
    IDMAP_CONTROL_TO_CONTENT,
    IDMAP_COUNT,
};

// Makes all maps and keeps them. Needs CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID and, since root is
// mapped, CAP_SETFCAP. Maps that are there already are replaced.
int idmap_keep_all(struct error *err) MUST_USE;
int idmap_drop_all(struct error *err) MUST_USE;

// A descriptor of a kept map.
int idmap_open(int *ret, enum idmap map, struct error *err) MUST_USE;

// A detached mount of the directory `dir_fd` with the map and `attributes` (MOUNT_ATTR_*) applied;
// mounts below it are not included. *ret is a descriptor. Needs CAP_SYS_ADMIN.
int idmap_clone(int *ret, int dir_fd, int map_fd, unsigned long attributes, struct error *err)
    MUST_USE;
