// SPDX-License-Identifier: MIT
#pragma once

// update: installs or updates the game with SteamCMD and says how it goes.
//
// Valve took most of app 222860 out of the anonymous Linux package in November 2024, so the Windows
// files are fetched first and the Linux ones put over them. "Missing configuration" is answered by
// trying again, up to UPDATE_RETRIES_MAX times in each phase.
//
// What is printed, one line each, is read by our own programs:
//   progress PERCENT DONE TOTAL WORDS…   of both phases together, bytes of the part at hand
//   note TEXT…
//   error CODE SENTENCE…                 the last line of a failure
//   done BUILD_ID                        the last line of a success
//   steamcmd: LINE…                      what SteamCMD said, control bytes made visible

#include <stdint.h>
#include <stdio.h>
#include "base/error.h"
#include "steam/install.h"

#define UPDATE_RETRIES_MAX 3u

// Tree and cache may together take `output_max_bytes` of the disk; beyond that the update is ended.
// Fails with what the "error" line said.
int update_run(const struct install_paths *paths, uint64_t output_max_bytes, FILE *out,
               struct error *err) MUST_USE;
