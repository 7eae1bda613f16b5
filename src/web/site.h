// SPDX-License-Identifier: MIT
#pragma once

// site: what every request goes through: from where it comes is found out, and whether it is one of
// too many; the part that answers it is chosen, the API or the files of the page; and a line is
// written when it is over.

#include "web/api.h"
#include "web/visit.h"

struct site;

struct site_options {
    const char         *static_path; // of the page's files
    struct http_proxies proxies;     // that are believed
    unsigned            requests_s;  // of one client in the long run; 0: no limit
    bool                is_quiet;    // no line for each request
};

// `options` are borrowed.
int          site_open(struct site **ret, struct web *web, const struct site_options *options,
                       struct error *err) MUST_USE;
struct site *site_close(struct site *site); // takes NULL, returns NULL

extern const struct http_handler site_handler; // its context is a struct web
