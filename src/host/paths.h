// SPDX-License-Identifier: MIT
#pragma once

// paths: where the host side keeps what it keeps, in one struct, so that a test can point every
// function of this library at a tree of its own. The installed programs use the constants below;
// no environment variable changes them.

#include <stdint.h>
#include "base/error.h"

struct host_paths {
    const char *data_dir;    // overlays/, instances/, runtime/
    const char *host_dir;    // specs the broker wrote
    const char *mounted_dir; // records of what is mounted
    const char *broker_socket;
    const char *log_socket;
    const char *doctor_socket;
    const char *bus_address;   // of the system bus, as D-Bus words it
    const char *proc_net_dir;  // udp, udp6, tcp, tcp6
    const char *wants_dir;     // where the init system keeps *.wants/ of enabled units
    const char *settings_file; // see settings/settings.h
    const char *steamcmd_link; // points at the directory SteamCMD is in
};

extern const struct host_paths host_paths_installed;

// Opens a directory below the data directory. A missing data directory, or one that belongs right
// below it, is ERROR_UNAVAILABLE and says what to run; a deeper `path` is ERROR_NOT_FOUND.
int host_open_data_dir(int *ret, const struct host_paths *paths, const char *path,
                       struct error *err) MUST_USE;

// Waits for an exclusive lock on the directory `dir_fd`, released when it is closed. Fails with
// ERROR_BUSY, naming `what`, when somebody holds it for longer than 30 s.
int host_lock(int dir_fd, const char *what, struct error *err) MUST_USE;
