// SPDX-License-Identifier: MIT
#pragma once

// dir: listing a directory, with an error told from the end.

#include <dirent.h>
#include "base/error.h"

void dir_closep(DIR **dir);
#define AUTO_DIR AUTO(dir_closep) DIR *

// Lists the directory `dir_fd`, which stays the caller's, from its beginning.
int dir_open(DIR **ret, int dir_fd, struct error *err) MUST_USE;
// 1: *ret_name is the next name, never "." or "..", borrowed until the next call; 0: the end.
int dir_next(const char **ret_name, DIR *dir, struct error *err) MUST_USE;
