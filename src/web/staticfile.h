// SPDX-License-Identifier: MIT
#pragma once

// staticfile: what static.c, which answers, and staticread.c, which reads, share.

#include "http/negotiate.h"
#include "web/static.h"

#define STATIC_TAG_MAX 24u
#define STATIC_ASSETS  "assets/"

struct static_body {
    char  *bytes;
    size_t n;
    char   tag[STATIC_TAG_MAX]; // with its quotes
};

struct static_file {
    char              *path; // without a slash at its beginning
    const char        *type;
    bool               is_lasting;           // its name changes with its content
    unsigned           there;                // 1 << coding, of each of
    struct static_body bodies[HTTP_CODINGS]; // the plain one is always there
};

struct static_files {
    struct static_file *files; // by path
    size_t              n, n_left_out, n_bytes;
};

const struct static_file *static_find(const struct static_files *files, const char *path);
