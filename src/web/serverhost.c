// SPDX-License-Identifier: MIT

// serverhost: servers as the host has them: what they wrote, what they run on, and why they see
// the files that they see.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "explain/layers.h"
#include "store/server.h"
#include "web/lines.h"
#include "web/passing.h"

#define LINES_USUAL 200

// ---- its log ----------------------------------------------------------------------------------

static int log_run(struct api_request *request, struct error *err)
{
    int64_t n, all;
    char    lines[32];

    if (api_query_number(&n, request, "lines", 1, LOG_LINES_MAX, LINES_USUAL, err) < 0 ||
        api_query_number(&all, request, "all", 0, 1, 0, err) < 0)
        return -1;
    (void)snprintf(lines, sizeof lines, "--lines=%" PRId64, n); // it fits
    const char *const words[] = { "logs", lines, all ? "--all-runs" : NULL, NULL };
    return lines_answer(request, words, request->server->instance, err);
}

// ---- its layers -------------------------------------------------------------------------------

static int stack_run(struct api_request *request, struct error *err)
{
    static const char *const words[] = { "explain", NULL };

    return passing_json(request, words, request->server->instance, err);
}

static int explain_run(struct api_request *request, struct error *err)
{
    char              path[LAYERS_PATH_MAX];
    const char *const words[] = {
        "explain", "--json", "--", request->server->instance, path, NULL
    };
    const struct passing_options options = { .words = words, .type = "application/json" };

    if (api_query_text(path, sizeof path, request, "path", err) < 0)
        return -1;
    if (layers_check_path(path, err) < 0)
        return api_about(request, "path");
    return passing_run(request, &options, err);
}

static int drift_run(struct api_request *request, struct error *err)
{
    static const char *const words[] = { "drift", NULL };

    return passing_json(request, words, request->server->instance, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/servers/#/log", API_USER, TOKEN_READ, log_run, API_SERVER, GRANT_VIEW, API_EMPTY,
      0 },
    { HTTP_GET, "/servers/#/stack", API_USER, TOKEN_READ, stack_run, API_SERVER, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_GET, "/servers/#/explain", API_USER, TOKEN_READ, explain_run, API_SERVER, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_GET, "/servers/#/drift", API_USER, TOKEN_READ, drift_run, API_SERVER, GRANT_VIEW,
      API_EMPTY, 0 },
};

const struct route_table serverhost_routes = { routes, ELEMENTS(routes) };
