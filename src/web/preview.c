// SPDX-License-Identifier: MIT
#include "web/preview.h"

#include <errno.h>
#include <string.h>
#include "base/fd.h"
#include "host/instances.h"
#include "host/overlays.h"
#include "host/plan.h"
#include "web/beside.h"
#include "web/draft.h"

struct preview {
    struct beside     beside;
    struct blueprint *draft;
    size_t            n_servers;
    struct server    *servers; // owned
    json_t *refused; // problems with overlays that he may not take: they are not looked at
    json_t *json;    // what came of it
};

static void done(struct beside *beside)
{
    struct preview *preview = (struct preview *)beside;

    blueprint_free(preview->draft);
    free(preview->servers);
    json_decref(preview->refused);
    json_decref(preview->json);
}

static json_t *problem_json(size_t overlay, json_t *message)
{
    return json_pack("{s:s, s:I, s:o}", "field", "overlays", "index", (json_int_t)overlay,
                     "message", message);
}

// ---- on a thread ------------------------------------------------------------------------------

static json_t *words_json(const struct strings *strings)
{
    json_t *words = json_array();

    for (const char *s = NULL; (s = strings_next(strings, s));)
        (void)json_array_append_new(words, json_string(s)); // absent without memory
    return words;
}

// What a start would change that was told of the draft: against what it runs with, or would be
// started with at a boot. Its overlay of its own is no part of a blueprint.
static int compare(struct strings *ret, bool *ret_is_first, const struct host_paths *paths,
                   const struct instance_name *name, struct instance *wanted, struct error *err)
{
    AUTO(instance_freep) struct instance *stored = NULL;
    AUTO_FD                               fd = -1;
    struct instance_stack                 base;
    bool                                  is_there = false;

    if (instances_load(&stored, paths, name, err) < 0 ||
        instances_open(&fd, paths, name, err) < 0 ||
        plan_base(&base, &is_there, paths, name, err) < 0)
        return -1;
    *ret_is_first = !is_there;
    wanted->own_overlay = stored->own_overlay;
    const struct plan_server server = { paths, name, wanted, fd };
    return is_there ? plan_compare(ret, &server, &base, err) : 0;
}

static json_t *changes_json(const struct preview *preview, const struct server *server)
{
    AUTO(instance_freep) struct instance *wanted = NULL;
    AUTO(strings_done) struct strings     changes = { 0 };
    struct instance_name                  name;
    struct error                          err;
    bool                                  is_first = false;

    if (json_array_size(preview->refused) > 0 ||
        draft_parse(&wanted, preview->draft, server, &err) < 0)
        return json_array(); // it cannot be saved: the problems say it
    if (instance_name_set(&name, server->instance, &err) < 0 ||
        compare(&changes, &is_first, preview->beside.paths, &name, wanted, &err) < 0) {
        is_first = err.kind == ERROR_NOT_FOUND;
        if (!is_first)
            return json_pack("[s]", err.message);
    }
    return is_first ? json_pack("[s]", "first start") : words_json(&changes);
}

static json_t *servers_json(const struct preview *preview)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < preview->n_servers; i++) {
        const struct server *server = &preview->servers[i];
        (void)json_array_append_new(rows, json_pack("{s:I, s:s, s:o}", "id", (json_int_t)server->id,
                                                    "name", server->name, "changes",
                                                    changes_json(preview, server))); // absent then
    }
    return rows;
}

static bool is_refused(const struct preview *preview, size_t overlay)
{
    const json_t *row;
    size_t        i;

    json_array_foreach(preview->refused, i, row)
    {
        if (json_integer_value(json_object_get(row, "index")) == (json_int_t)overlay)
            return true;
    }
    return false;
}

// Nothing can be started on an overlay without a generation.
static void add_unbuilt(json_t *rows, const struct preview *preview)
{
    const struct blueprint *draft = preview->draft;

    for (size_t i = 0; i < draft->n_overlays; i++) {
        uint32_t     number = (uint32_t)draft->overlays[i].overlay, generation = 0;
        struct error err;
        if (is_refused(preview, i) ||
            overlays_current(&generation, preview->beside.paths, number, &err) < 0 || generation)
            continue;
        (void)json_array_append_new(
            rows, problem_json(i, json_sprintf("overlay %u has nothing published: build it first",
                                               number))); // absent without memory
    }
}

static int work(struct beside *beside, struct error *err)
{
    struct preview *preview = (struct preview *)beside;
    json_t         *problems = draft_problems(preview->draft), *files = NULL;

    if (draft_render(&files, preview->draft, preview->n_servers ? preview->servers : NULL, err) < 0)
        files = json_pack("{s:n, s:[]}", "server_cfg", "arguments");
    add_unbuilt(problems, preview);
    (void)json_array_extend(problems, preview->refused); // absent without memory
    preview->json = files;
    (void)json_object_set_new(files, "problems", problems); // absent without memory
    (void)json_object_set_new(files, "servers", servers_json(preview));
    return 0;
}

// ---- in the loop ------------------------------------------------------------------------------

static int said(struct beside *beside, struct api_request *request, struct error *err)
{
    struct preview *preview = (struct preview *)beside;

    return request ? api_answer(request, 200, json_incref(preview->json), err) : 0;
}

static int take_servers(struct preview *preview, const struct api_request *request,
                        struct error *err)
{
    const struct server_filter filter = { .viewer = user_viewer(&request->user),
                                          .blueprint = request->blueprint->id };
    int64_t                    at = 0;
    int                        r = 0;

    preview->servers = calloc(PREVIEW_SERVERS_MAX, sizeof *preview->servers);
    if (!preview->servers)
        return error_sys(err, ENOMEM, "looking at servers");
    while (preview->n_servers < PREVIEW_SERVERS_MAX &&
           (r = server_next(&preview->servers[preview->n_servers], request->web->db, at, &filter,
                            err)) > 0)
        at = preview->servers[preview->n_servers++].id;
    return r < 0 ? -1 : 0;
}

// What he does not see is told as what is not there, and as saving it would.
static int refuse_overlays(struct preview *preview, const struct api_request *request,
                           struct error *err)
{
    const struct blueprint *draft = preview->draft;

    preview->refused = json_array();
    for (size_t i = 0; i < draft->n_overlays; i++) {
        if (blueprint_check_overlay(request->web->db, draft->id, draft->overlays[i].overlay,
                                    user_viewer(&request->user), err) == 0)
            continue;
        if (err->kind != ERROR_INVALID)
            return -1;
        (void)json_array_append_new(preview->refused,
                                    problem_json(i, json_string(err->message))); // likewise
    }
    return 0;
}

int preview_answer(struct api_request *request, struct blueprint **draft, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct preview), work, said, done };
    struct beside                  *beside = NULL;

    if (beside_new(&beside, &kind, request, err) < 0)
        return -1;
    struct preview *preview = (struct preview *)beside;
    preview->draft = TAKE(*draft);
    if (refuse_overlays(preview, request, err) == 0 && take_servers(preview, request, err) == 0)
        return beside_run(beside, request, err);
    beside_drop(beside);
    return -1;
}
