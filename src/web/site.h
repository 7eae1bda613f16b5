// SPDX-License-Identifier: MIT
#pragma once

// site: which part answers a request: the API, or the files of the page.

#include "web/api.h"

struct site;

struct site_options {
    const char *static_path; // of the page's files
};

// `options` are borrowed.
int          site_open(struct site **ret, struct web *web, const struct site_options *options,
                       struct error *err) MUST_USE;
struct site *site_close(struct site *site); // takes NULL, returns NULL

extern const struct http_handler site_handler; // its context is a struct web
