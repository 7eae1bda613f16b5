// SPDX-License-Identifier: MIT

// machine: what the machine is like.

#include "web/api.h"

static int machine_run(struct api_request *request, struct error *err)
{
    // Not by itself: most of the machine is hidden from whatever runs here.
    static const char *const words[] = { "doctor", "--service", NULL };

    return api_ctl_json(request, words, "checks", err);
}

static const struct route routes[] = {
    { HTTP_GET, "/machine", API_ADMIN, TOKEN_ADMIN, machine_run },
};

const struct route_table machine_routes = { routes, ELEMENTS(routes) };
