// SPDX-License-Identifier: MIT
#pragma once

// unpack: reads an archive with libarchive and says what is in it, as frames.
//
// ZIP, 7z, RAR and tar, the latter also packed with gzip, xz, zstd or bzip2. Meant for a process
// that has nothing but the archive and a pipe: see sandbox.h and left4me-unpack. Nothing is kept of
// an entry but its path, its kind, its x bit and its bytes.

#include "base/error.h"

struct unpack;

// What has to be done while the process may still do everything. `in_fd` is a regular file.
int unpack_prepare(struct unpack **ret, int in_fd, int out_fd, struct error *err) MUST_USE;
// Reads `in_fd` with pread(2) alone, and writes to `out_fd` with write(2) alone. The last frame
// says how it ended; -1: nobody reads them.
int unpack_run(struct unpack *unpack) MUST_USE;
// Returns NULL. A process that ends needs no such thing.
struct unpack *unpack_free(struct unpack *unpack);
// Says nothing but this error.
void unpack_fail(int out_fd, const struct error *err);
