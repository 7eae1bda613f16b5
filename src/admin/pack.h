// SPDX-License-Identifier: MIT
#pragma once

// pack: archives of ours: a tar, packed with zstd, whose last entries tell what is in it.
//
// It is written in one go, to any descriptor: what is read is hashed as it is read. It is read by
// another program in a sandbox (files/reader.h), whose word counts for nothing: every path is
// checked, links and devices are refused, all that is made is new, and every byte has been counted
// and hashed before anybody uses it.
//
// Paths are those of files/filename.h, below one to three names that say whose tree it is:
// "sources/7/tree/…", "uppers/one/…".

#include "admin/manifest.h"

#define PACK_ENTRIES_MAX 1000000u
#define PACK_SUMS_MAX    (UINT64_C(256) << 20) // bytes of the list
#define PACK_RATIO_MAX   1000u                 // bytes out of one byte of the archive …
#define PACK_RATIO_FROM  (UINT64_C(256) << 20) // … of archives that unpack to more than this
#define PACK_DEPTH_MAX   32u                   // directories in one another, of a tree

// ---- writing ----------------------------------------------------------------------------------

struct pack;

// Begins one in `fd`, which stays the caller's. Takes kind, version, host, made_unix_s and
// database_version from `manifest`.
int pack_begin(struct pack **ret, int fd, const struct manifest *manifest, struct error *err)
    MUST_USE;
void pack_freep(struct pack **pack);

int pack_add_bytes(struct pack *pack, const char *path, const void *bytes, size_t n,
                   struct error *err) MUST_USE;
// The regular file `name` of `dir_fd`, as long as it is when it is opened. ERROR_NOT_FOUND: there
// is none. ERROR_BUSY: it was changed while it was read.
int pack_add_file(struct pack *pack, const char *path, int dir_fd, const char *name,
                  struct error *err) MUST_USE;
// The same of a file that is open, from where it is.
int pack_add_open(struct pack *pack, const char *path, int fd, struct error *err) MUST_USE;
// All files and directories of `dir_fd`, to `path`. What else is in it, what cannot be read and
// names that may not be made are left out, and told to `skip`, which may be NULL.
struct pack_tree {
    void (*skip)(void *user, const char *path, const char *why);
    void *user;
};
int pack_add_tree(struct pack *pack, const char *path, int dir_fd, const struct pack_tree *tree,
                  struct error *err) MUST_USE;
// The list and the manifest, which is *ret then.
int pack_finish(struct pack *pack, struct manifest *ret, struct error *err) MUST_USE;

// ---- reading ----------------------------------------------------------------------------------

struct pack_options {
    const char        *program; // NULL: that which is installed
    int                to_fd;   // an empty directory of ours; -1: it is only checked
    enum manifest_kind kind;    // that it must be
};

// Reads all of `archive_fd`, a regular file open for reading alone. ERROR_INVALID: it is damaged,
// hostile or of another kind. What was made in `to_fd` is to be removed then.
int pack_read(struct manifest *ret, int archive_fd, const struct pack_options *options,
              struct error *err) MUST_USE;

// Whether an archive may have this path; it is ours to write no other.
int pack_check_path(const char *path, struct error *err) MUST_USE;
