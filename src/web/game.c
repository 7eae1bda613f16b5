// SPDX-License-Identifier: MIT

// game: the installation that all servers share, which is overlay 1: installed, updated, and
// brought to the servers that run.

#include <errno.h>
#include <string.h>
#include "base/protocol.h"
#include "web/shown.h"
#include "web/api.h"

// The newest of the jobs that bring it; null: there was none.
static int add_job(json_t *json, const char *key, const char *kind, struct api_request *request,
                   struct error *err)
{
    const struct job_filter filter = { .viewer = VIEWER_ALL, .kind = kind };
    AUTO(freep) struct job *job = calloc(1, sizeof *job);

    if (!job)
        return error_sys(err, ENOMEM, "looking at jobs");
    int r = job_next(job, request->web->db, 0, &filter, err);
    if (r < 0)
        return -1;
    return json_object_set_new(json, key, r > 0 ? api_job_json(job) : json_null());
}

static int show_said(struct api_request *request, json_t *said, struct error *err)
{
    struct owned_overlay game;

    if (owned_overlay_find(&game, request->web->db, GAME_OVERLAY, user_viewer(&request->user),
                           err) < 0)
        return -1;
    json_t *json = json_pack("{s:o}", "overlay", shown_overlay(&game, said));
    if (add_job(json, "install", "game.install", request, err) < 0 ||
        add_job(json, "rollout", "game.rollout", request, err) < 0) {
        json_decref(json);
        return -1;
    }
    return api_answer(request, 200, json, err);
}

static int show_run(struct api_request *request, struct error *err)
{
    static const char *const words[] = { "overlay", "list", NULL };

    return api_ctl(request, words, NULL, 0, show_said, err);
}

// With `hold` new starts keep what they have, and one server can try the new one: "with".
static int install_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "hold", NULL };
    bool                     is_held = false;

    if (api_check_fields(request, fields, err) < 0 ||
        (api_has(request, "hold") && api_bool(&is_held, request, "hold", err) < 0))
        return -1;
    return api_run_job(request, "game.install", 0, GAME_OVERLAY,
                       is_held ? json_pack("{s:b}", "hold", 1) : NULL, err);
}

// What becomes of people who play on a server that is to be restarted.
static int rollout_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "policy", NULL };
    static const char *const policies[] = { "force", "skip", "wait" };
    char                     policy[16];

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(policy, sizeof policy, 1, request, "policy", err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(policies); i++)
        if (strcmp(policies[i], policy) == 0)
            return api_run_job(request, "game.rollout", 0, 0, json_pack("{s:s}", "policy", policy),
                               err);
    (void)error_set(err, ERROR_INVALID, "'policy' is 'force', 'skip' or 'wait'");
    return api_about(request, "policy");
}

static const struct route routes[] = {
    { HTTP_GET, "/game", API_USER, TOKEN_READ, show_run, API_NONE, 0, API_EMPTY, 0 },
    { HTTP_POST, "/game/install", API_ADMIN, TOKEN_ADMIN, install_run, API_NONE, 0, API_OPTIONAL,
      0 },
    { HTTP_POST, "/game/rollout", API_ADMIN, TOKEN_ADMIN, rollout_run, API_NONE, 0, API_JSON, 0 },
};

const struct route_table game_routes = { routes, ELEMENTS(routes) };
