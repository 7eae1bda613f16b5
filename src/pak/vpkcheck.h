// SPDX-License-Identifier: MIT
#pragma once

// vpkcheck: whether a whole archive is sound.
//
// Every byte that something is said about is read once, in the order of the files, through one
// block of memory. First what the directory says is compared with itself and with the sizes of the
// files:
//
//   paths      no two are the same, the case of ASCII letters not regarded: the game folds them
//   entries    lie within their file, or within the data section of version 2, and share no byte,
//   so
//              that together they are not larger than the files
//   directory  has nothing behind the end of its lists
//   file       ends where its last entry does, or its last section: nothing is missing, nothing is
//              behind. Numbered parts may go on, and there may be bytes between entries that none
//              has: the tool that made the game's own archives leaves them behind
//   sections   of version 2 (MD5 of pieces, of directory and file, signature) have the sizes they
//   must
//              have; the pieces lie within their files and share no byte
//
// Then the content: the CRC32 of every entry, the MD5 of every piece, of the directory, of the list
// of pieces and of the file. A signature is not verified, for nobody says whose it should be.
// Source: Valve developer wiki, "VPK (file format)"; ValvePak, Package.Verify.

#include "pak/vpk.h"

#define VPK_BLOCK_BYTES   262144u // read at a time
#define VPK_PIECES_MAX    262144u // with an MD5 of their own; known tools make them of a megabyte
#define VPK_SIGNATURE_MAX 65536u  // bytes of the section

struct vpk_progress {
    // Told now and then how many bytes of how many have been read. -1 with *err filled ends the
    // check, and is what it returns.
    int (*step)(void *context, uint64_t done_bytes, uint64_t total_bytes, struct error *err);
    void *context;
};

struct vpk_checked {
    uint64_t content_bytes; // of all entries
    uint32_t n_parts;       // numbered files that were read
    uint32_t n_md5;         // sums that were compared
    bool     has_signature;
};

// Checks the archive, which vpk_open() opened. `progress` may be NULL. ERROR_INVALID: the sentence
// names the archive, and the entry, where the fault is in one.
int vpk_check(struct vpk_checked *ret, const struct vpk *vpk, const struct vpk_progress *progress,
              struct error *err) MUST_USE;
