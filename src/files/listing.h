// SPDX-License-Identifier: MIT
#pragma once

// listing: what is in a directory of the working tree, page by page.
//
// Nothing is opened but directories, so whatever somebody has put there by hand can be listed: it
// is said to be a link or something other, and nothing else is done with it.

#include <stdint.h>
#include "files/space.h"

#define LISTING_PAGE_MAX  10000u   // entries of a page
#define LISTING_NAMES_MAX 1000000u // names that a directory is searched for

enum listing_kind {
    LISTING_FILE,
    LISTING_DIR,
    LISTING_LINK,  // symbolic: never followed
    LISTING_OTHER, // a FIFO, a socket, a device
    LISTING_KIND_COUNT,
};

// What a file was when it was looked at: made of its inode, size and time. Everything that
// src/files writes is a new inode with a time of its own, so another one means another content.
struct listing_etag {
    char text[52]; // safe to show, and in a header of HTTP
};

struct listing_entry {
    const char         *name; // any bytes but '/' and NUL
    enum listing_kind   kind;
    bool                is_program; // has its x bit
    uint64_t            size;       // of a file, or else 0
    int64_t             mtime_unix_s;
    uint32_t            mtime_ns;
    struct listing_etag etag;
};

struct listing {
    size_t                n;
    struct listing_entry *entries;  // sorted by the bytes of their names
    bool                  has_more; // after the last one
    char                **names;
};

const char *listing_kind_word(enum listing_kind kind);

// Lists the directory `path`, "" for the root: at most `n_max` entries, those whose names come
// after `after`, NULL for the first page. What is removed meanwhile is left out. *ret is owned.
int listing_read(struct listing **ret, const struct space *space, const char *path,
                 const char *after, size_t n_max, struct error *err) MUST_USE;
// The same of the directory `dir_fd`, wherever it is: it may belong to somebody hostile.
int  listing_read_at(struct listing **ret, int dir_fd, const char *after, size_t n_max,
                     struct error *err) MUST_USE;
void listing_freep(struct listing **listing);

// Looks at one file or directory. ret->name is borrowed from `path`.
int listing_look(struct listing_entry *ret, struct space *space, const char *path,
                 struct error *err) MUST_USE;

void listing_describe(struct listing_entry *ret, const char *name, const struct stat *st);
