// SPDX-License-Identifier: MIT
#include "web/preview.h"

#include <errno.h>
#include <string.h>
#include "host/instances.h"
#include "host/overlays.h"
#include "store/live.h"
#include "web/beside.h"
#include "web/draft.h"

struct preview {
    struct beside     beside;
    struct blueprint *draft;
    size_t            n_servers;
    struct server    *servers; // owned
    json_t           *pending; // for each of them, what it is to be restarted for as it is
    json_t *refused; // problems with overlays that he may not take: they are not looked at
    json_t *json;    // what came of it
};

static void done(struct beside *beside)
{
    struct preview *preview = (struct preview *)beside;

    blueprint_free(preview->draft);
    free(preview->servers);
    json_decref(preview->pending);
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

// Against what it was told last: when it was started, or since then when its blueprint was saved.
static json_t *changes_json(const struct preview *preview, const struct server *server)
{
    AUTO(instance_freep) struct instance *stored = NULL, *wanted = NULL;
    AUTO(strings_done) struct strings     changes = { 0 };
    struct instance_name                  name;
    struct error                          err;

    if (draft_parse(&wanted, preview->draft, server, &err) < 0)
        return json_array(); // the problems say it
    if (instance_name_set(&name, server->instance, &err) < 0 ||
        instances_load(&stored, preview->beside.paths, &name, &err) < 0)
        return json_pack("[s]", err.kind == ERROR_NOT_FOUND ? "first start" : err.message);
    instance_compare(&changes, stored, wanted);
    return words_json(&changes);
}

// What comes besides when it is started again, whatever becomes of the draft.
static json_t *with_pending(json_t *words, const json_t *pending)
{
    json_t *word, *other;
    size_t  i, j;

    json_array_foreach(pending, i, word)
    {
        bool is_there = false;
        json_array_foreach(words, j, other) is_there = is_there || json_equal(word, other);
        if (!is_there)
            (void)json_array_append(words, word); // absent without memory
    }
    return words;
}

static json_t *servers_json(const struct preview *preview)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < preview->n_servers; i++) {
        const struct server *server = &preview->servers[i];
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:s, s:o}", "id", (json_int_t)server->id, "name", server->name,
                            "changes",
                            with_pending(changes_json(preview, server),
                                         json_array_get(preview->pending, i)))); // absent then
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

static int take_pending(json_t *rows, struct database *db, int64_t server, struct error *err)
{
    AUTO(live_done) struct live live = { 0 };

    if (live_find(&live, db, server, err) < 0)
        return -1;
    json_t *status = *live.status ? json_loads(live.status, 0, NULL) : NULL;
    json_t *words = json_object_get(status, "pending");
    (void)json_array_append_new(rows, words ? json_incref(words) : json_array()); // likewise
    json_decref(status);
    return 0;
}

static int take_servers(struct preview *preview, const struct api_request *request,
                        struct error *err)
{
    const struct server_filter filter = { .viewer = user_viewer(&request->user),
                                          .blueprint = request->blueprint->id };
    int64_t                    at = 0;
    int                        r = 0;

    preview->pending = json_array();
    preview->servers = calloc(PREVIEW_SERVERS_MAX, sizeof *preview->servers);
    if (!preview->servers)
        return error_sys(err, ENOMEM, "looking at servers");
    while (preview->n_servers < PREVIEW_SERVERS_MAX &&
           (r = server_next(&preview->servers[preview->n_servers], request->web->db, at, &filter,
                            err)) > 0) {
        at = preview->servers[preview->n_servers++].id;
        if (take_pending(preview->pending, request->web->db, at, err) < 0)
            return -1;
    }
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
