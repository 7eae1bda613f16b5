// SPDX-License-Identifier: MIT
#pragma once

// vpk: read-only access to Valve pak archives, versions 1 and 2.
//
// An archive is one file (`addon.vpk`) or a directory with numbered parts (`pak01_dir.vpk`,
// `pak01_000.vpk`, …). A `struct vpk` owns its descriptors and its directory; entries borrowed from
// it die with it. Nothing here writes, logs, or follows symbolic links. Opening reads the directory
// alone; whether the rest is sound is asked of pak/vpkcheck.h.
//
// Paths are hostile. An archive that has an absolute one, one with a drive letter, an empty
// component, "." or "..", is refused as a whole, with a backslash taken for a slash. In the others
// each control byte, backslash and byte that is not UTF-8 is shown as '?': the game would look for
// such a file under no name that anybody can type. Nothing is said about letters beyond ASCII.
// Source: Valve developer wiki, "VPK (file format)".

#include "base/error.h"
#include <stdint.h>

#define VPK_ENTRIES_MAX    262144u             // more than any shipped game needs
#define VPK_DIRECTORY_MAX  (16u * 1024 * 1024) // bytes of header and directory
#define VPK_PATH_MAX       512u                // bytes of one entry's path, the NUL included
#define VPK_PATHS_MAX      33554432u  // bytes of all paths, which share folders when stored
#define VPK_NAME_MAX       256u       // bytes of an archive's file name, likewise
#define VPK_PARTS_MAX      32767u     // numbered from 0
#define VPK_ENTRY_SIZE_MAX 536870912u // bytes vpk_read() is willing to fill

struct vpk; // opaque
struct vpk_entry {
    const char *path;  // borrowed from the vpk: relative, no "..", UTF-8 ('?' for what was not)
    uint64_t    size;  // bytes
    uint32_t    crc32; // of the content, as the archive claims
};

// Opens the archive `name` (one component) in `dir_fd` and reads its directory. Fails with
// ERROR_INVALID on anything that is not a whole, bounded VPK directory.
int vpk_open(struct vpk **ret, int dir_fd, const char *name, struct error *err) MUST_USE;

// Reads header and directory from memory; `bytes` may go on behind them and is not kept.
// Entries of such a vpk can be listed, but only those preloaded as a whole can be read.
int vpk_parse(struct vpk **ret, const uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;

struct vpk *vpk_close(struct vpk *vpk); // takes NULL, returns NULL
void        vpk_closep(struct vpk **vpk);

// Whether the file goes on to the end of the last entry in it: ERROR_INVALID tells how much is
// missing, as of a download that broke off. Nothing is read, and numbered parts are not looked at.
int vpk_check_end(const struct vpk *vpk, struct error *err) MUST_USE;

unsigned                vpk_version(const struct vpk *vpk); // 1 or 2
size_t                  vpk_count(const struct vpk *vpk);
const struct vpk_entry *vpk_at(const struct vpk *vpk, size_t i); // in order of their paths
const struct vpk_entry *vpk_find(const struct vpk *vpk, const char *path); // NULL: no such entry
// The first entry, in order, whose path is not before `prefix`: where those that begin with it are.
size_t vpk_seek(const struct vpk *vpk, const char *prefix);

// Fills `bytes` (shown->size of them) with the content of `shown`, which must be of this `vpk`.
// A checksum that differs is ERROR_INVALID.
int vpk_read(const struct vpk *vpk, const struct vpk_entry *shown, uint8_t *bytes,
             struct error *err) MUST_USE;

// Fills `bytes` with `n_bytes` of the content from `offset` on; asking for more than there is is
// ERROR_INVALID. There is no checksum of a piece, so none is compared.
int vpk_read_piece(const struct vpk *vpk, const struct vpk_entry *shown, uint64_t offset,
                   uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;
