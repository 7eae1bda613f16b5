// SPDX-License-Identifier: MIT
#pragma once

// settings: /etc/left4me/left4me.conf, what the operator of this machine decides.
//
//   [workshop]
//   downloads = 4
//
// Sections and keys are those of the table in settings.c, and the example that is installed tells
// all of them. A key that is not there has its default; one that is unknown, is there twice or has
// a value out of range is an error that names the line. Comments begin with '#' or ';'.

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define SETTINGS_PATH      "/etc/left4me/left4me.conf"
#define SETTINGS_BYTES_MAX 65536u
#define SETTINGS_LINE_MAX  190u // bytes without the end of the line: what libinih takes
#define SETTINGS_URL_MAX   128u // bytes, the NUL included
#define SETTINGS_WORDS_MAX 192u // the same, of several words

struct settings_overlays {
    uint32_t keep;             // generations of an overlay that stay, at least
    uint64_t output_max_bytes; // of what one build may make
    uint64_t budget_bytes;     // of all overlays together; 0: three quarters of the disk
};

struct settings_workshop {
    char     api_url[SETTINGS_URL_MAX]; // https, without a slash at its end
    uint32_t downloads;                 // at a time
    uint64_t rate_max_bytes_s;          // of all downloads of a build together; 0: no limit
    uint64_t item_max_bytes;
    uint64_t total_max_bytes; // of all items of one overlay
};

struct settings_web {
    char     proxies[SETTINGS_WORDS_MAX]; // that are believed, with spaces between them
    uint32_t connections;                 // of one address at a time; 0: no limit
    uint32_t requests_s;                  // of one address, in the long run; 0: no limit
};

struct settings {
    struct settings_overlays overlays;
    struct settings_workshop workshop;
    struct settings_web      web;
};

// Reads the text of such a file. ERROR_INVALID: "line N: …".
int settings_parse(struct settings *ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
// Of the file `path`; an absent one is an empty one.
int settings_read(struct settings *ret, const char *path, struct error *err) MUST_USE;
