// SPDX-License-Identifier: MIT
#pragma once

// vpk-write: makes VPK archives for tests.

#include "base/error.h"
#include <stdint.h>

struct vpk_writer;

struct vpk_writer *vpk_writer_new(void); // NULL: no memory
struct vpk_writer *vpk_writer_free(struct vpk_writer *writer);

// Adds a file; `path` is relative and in lower case, as the engine looks for it.
int vpk_writer_add(struct vpk_writer *writer, const char *path, const void *bytes, size_t n_bytes,
                   struct error *err) MUST_USE;

// Writes `path`. If it ends in "_dir.vpk" the data go to part 000 beside it, else into the file
// itself. `version` is 1 or 2.
int vpk_writer_save(struct vpk_writer *writer, const char *path, unsigned version,
                    struct error *err) MUST_USE;
