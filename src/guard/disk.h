// SPDX-License-Identifier: MIT
#pragma once

// disk: how much has been taken from the file systems below some directories.
//
// What a file system has free goes down when a program writes, on ext4 and XFS at once, before
// anything is on disk. So the sum of all decreases, whoever caused them, is at least what a program
// can have written, as long as nobody else gives space back between two samples; which is told,
// too. It costs a microsecond to know: overlayfs hands the question on to the disk.

#include <stdint.h>
#include "base/error.h"

#define DISK_MAX 2u // directories

struct disk_one {
    int      fd;   // the caller's
    unsigned twin; // of the first one that seems to be the same file system; may be itself
    uint64_t unit_bytes, free_units, used_inodes;
};

struct disk {
    unsigned        n;
    struct disk_one all[DISK_MAX];
    uint64_t        spent_bytes, spent_inodes; // decreases since disk_begin()
    uint64_t        freed_bytes;               // increases
    uint64_t        free_bytes;                // of all of them together
    uint64_t        available_bytes;           // to everybody, on the fullest of them
    uint64_t        size_bytes;                // of that one
    bool            is_out_of_inodes;          // less than 2 % are left somewhere
};

// Of directories on the same file system it counts once.
int disk_begin(struct disk *ret, const int *dir_fds, unsigned n, struct error *err) MUST_USE;
int disk_sample(struct disk *disk, struct error *err) MUST_USE;
