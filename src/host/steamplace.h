// SPDX-License-Identifier: MIT
#pragma once

// steamplace: where the operator's SteamCMD is: a link in /etc/left4me that the sandbox of an
// update follows.

#include "host/paths.h"

// Points the link at the directory that `path` is, or that holds the program `path` names. For
// root.
int steamplace_set(const struct host_paths *paths, const char *path, struct error *err) MUST_USE;
