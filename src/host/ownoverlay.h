// SPDX-License-Identifier: MIT
#pragma once

// ownoverlay: the overlay of files that belongs to one server alone, for what must not be shared:
// admins, bans, databases.cfg. It lies above all others of the server.
//
// A server gets it when the first file is put there, and it goes with the server. Its number stands
// in the server's directory; its source says whose it is.

#include "host/paths.h"
#include "base/protocol.h"

// The number; 0: there is none yet. ERROR_NOT_FOUND: there is no such server.
int ownoverlay_read(uint32_t *ret, const struct host_paths *paths,
                    const struct instance_name *server, struct error *err) MUST_USE;
// The same for the directory of an instance. ERROR_FAILED: it is damaged.
int ownoverlay_read_at(uint32_t *ret, int instance_fd, struct error *err) MUST_USE;
// Makes it unless it is there. The caller holds source_lock().
int ownoverlay_make(uint32_t *ret, const struct host_paths *paths,
                    const struct instance_name *server, struct error *err) MUST_USE;
// Drops the overlays that belong to a server that is gone, whatever a killed removal left.
int ownoverlay_drop(const struct host_paths *paths, const struct instance_name *server,
                    struct error *err) MUST_USE;
