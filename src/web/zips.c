// SPDX-License-Identifier: MIT

// zips: a directory of a working tree as an archive, which l4d2ctl packs while the client takes it.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "web/filework.h"
#include "web/passing.h"
#include "store/ownedoverlay.h"

static int zip_run(struct api_request *request, struct error *err)
{
    char                         path[FILENAME_PATH_MAX + 1], overlay[24], name[256];
    const char *const            words[] = { "files", "zip", "--json", "--", overlay, NULL, NULL };
    const char                  *all[ELEMENTS(words)];
    const struct passing_options options = {
        .words = all, .type = "application/zip", .name = name, .begins = 'P'
    };

    if (filework_query_path(path, request, true, err) < 0)
        return -1;
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    memcpy(all, words, sizeof words);
    all[ELEMENTS(words) - 2] = *path ? path : NULL;
    (void)snprintf(overlay, sizeof overlay, "%" PRId64, request->parameters[0]); // it fits
    (void)snprintf(name, sizeof name, "%.240s.zip", *last ? last : request->overlay->name); // too
    return passing_run(request, &options, err);
}

static const struct route routes[] = {
    { HTTP_GET, "/overlays/#/files/zip", API_USER, TOKEN_READ, zip_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
};

const struct route_table zip_routes = { routes, ELEMENTS(routes) };
