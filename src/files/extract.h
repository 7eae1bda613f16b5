// SPDX-License-Identifier: MIT
#pragma once

// extract: unpacks an archive into a directory of the working tree.
//
// The archive is read by another program in a sandbox (reader.h), whose word counts for nothing:
// here every path is checked like any other, and everything is written aside first, within the
// quota. Only when all of it is there, and on disk, it is brought into place: by one rename if the
// directory is new, or else as merge.h says. A failure before that leaves nothing.
//
// Links, devices and other oddities are left out and told; so is `__MACOSX`, which Macs add. Every
// file gets the time at which it is unpacked: those in archives are rough, and two files of one
// size and one time could not be told apart when the tree is published.

#include "files/merge.h"

#define EXTRACT_PROGRAM     "/usr/lib/left4me/left4me-unpack"
#define EXTRACT_ENTRIES_MAX 1000000u // in an archive, those that are left out included
#define EXTRACT_LINES_MAX   100u     // told about what was left out; the rest is only counted
#define EXTRACT_TICK_MS     200      // at least as often the caller is asked whether to go on
#define EXTRACT_RATIO_MAX   200u     // bytes out of one byte of the archive …
#define EXTRACT_RATIO_FROM  (UINT64_C(64) << 20) // … of archives that unpack to more than this

struct extract_progress {
    uint64_t files, bytes;                 // unpacked so far
    uint64_t archive_bytes, archive_total; // read of the archive so far, which may jump
};

struct extract_options {
    const char         *program; // NULL: EXTRACT_PROGRAM
    const char         *path;    // the directory, "" for the root; made if it is missing
    enum merge_existing existing;
    bool strips_one; // leave out the directory that everything is in, if there is one
    bool (*tick)(void *user, const struct extract_progress *progress); // false: give up; or NULL
    void (*say)(void *user, const char *line);                         // one line each; or NULL
    void *user;
};

struct extract_result {
    uint64_t files, dirs, bytes; // that were in it
    uint64_t left_out;           // links and such
    uint64_t replaced, skipped;  // files that were there already
};

// `archive_fd` is a regular file, open for reading alone; it stays the caller's.
int extract_run(struct extract_result *ret, struct space *space, int archive_fd,
                const struct extract_options *options, struct error *err) MUST_USE;
