// SPDX-License-Identifier: MIT
#pragma once

// procfs: what the kernel says of a process in /proc. Names that hostile programs chose stand
// between its words. Source: kernel documentation, filesystems/proc.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCFS_STATUS_MAX 8192u // bytes of a status file

struct procfs_status {
    uint32_t parent;
    char     state;    // R S D T t Z X I …
    uint64_t switches; // how often it was given a processor, and gave it up
};

// Reads the first number of /proc/PID/task/TID/children. Returns how many bytes that and the space
// behind it are; 0: there is none.
size_t procfs_next_number(uint32_t *ret, const char *text, size_t n);

// Reads /proc/PID/status or that of a task. False: a field is missing.
bool procfs_parse_status(struct procfs_status *ret, const char *text, size_t n);

// Reads /proc/PID/io: how many bytes the process, and those it has waited for, have written to
// disks. False: it is not said.
bool procfs_parse_written(uint64_t *ret, const char *text, size_t n);

// Whether one line of /proc/PID/maps, without its end, is of a file that has no name any more and
// whose path began with the directory `root`.
bool procfs_is_deleted_below(const char *line, size_t n, const char *root);

// How many descriptors are on their way through the socket whose /proc/PID/fdinfo file this is.
uint64_t procfs_parse_in_flight(const char *text, size_t n);

// The number of the socket that the link of a descriptor leads to, "socket:[1234]"; 0: it is none.
uint64_t procfs_parse_socket(const char *link, size_t n);
