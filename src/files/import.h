// SPDX-License-Identifier: MIT
#pragma once

// import: a file of this machine becomes a file of the working tree, whatever its size.
//
// It is an upload whose chunks come from a descriptor: read once, hashed on the way, put in place
// by one rename when all of it is there.

#include "files/listing.h"

struct import_options {
    bool        replaces; // a file that is there
    const char *only_if;  // the etag that it must have; NULL: any
    bool        is_program;
    bool (*tick)(void *user, uint64_t done, uint64_t total); // bytes; false: give up; or NULL
    void *user;
};

// `fd` is a regular file, open for reading; it stays the caller's. ret->name is "".
int import_file(struct listing_entry *ret, struct space *space, const char *path, int fd,
                const struct import_options *options, struct error *err) MUST_USE;
