// SPDX-License-Identifier: MIT
#pragma once

// options: what the command line of left4me-web says, and left4me.conf.

#include "web/site.h"

// Stays as long as the server does.
struct options {
    const char         *database; // its path
    const char         *settings; // the path of left4me.conf
    const char         *data;     // where the host keeps its things; NULL: as installed
    const char         *key;      // the path of the key; NULL: that of the machine
    const char         *ctl;      // the path of l4d2ctl
    const char         *worker;   // the path of its socket
    bool                is_insecure;
    struct site_options site;
    struct http_limits  limits;
};

// Ends the program where they are wrong, or ask for nothing but words.
void options_parse(struct options *ret, int argc, char **argv);
int  options_read_settings(struct options *options, struct error *err) MUST_USE;
