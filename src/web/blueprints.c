// SPDX-License-Identifier: MIT

// blueprints: recipes of servers. Servers are linked to theirs: what is changed here is what they
// run when they are started again.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "store/quota.h"
#include "web/api.h"
#include "web/draft.h"
#include "web/preview.h"
#include "web/shown.h"

#define BODY_MAX (BLUEPRINT_ARGUMENTS_MAX + 2 * BLUEPRINT_CONFIG_MAX + 65536u) // bytes

// ---- what a body says -------------------------------------------------------------------------

static int wrong(struct api_request *request, const char *field, const char *what,
                 struct error *err)
{
    (void)error_set(err, ERROR_INVALID, "'%s' %s", field, what);
    return api_about(request, field);
}

static int take_text(char **ret, char *text, struct error *err)
{
    if (!text)
        return error_sys(err, ENOMEM, "reading a blueprint");
    free(*ret);
    *ret = text;
    return 0;
}

static int read_name(struct blueprint *draft, struct api_request *request, struct error *err)
{
    if (api_text(draft->name, sizeof draft->name, 1, request, "name", err) < 0)
        return -1;
    return name_check(draft->name, "a blueprint", err) < 0 ? api_about(request, "name") : 0;
}

static int read_arguments(struct blueprint *draft, struct api_request *request, struct error *err)
{
    const json_t *words = json_object_get(request->body, "arguments");
    bool          is_list = json_is_array(words);

    for (size_t i = 0; i < json_array_size(words); i++)
        is_list = is_list && json_is_string(json_array_get(words, i));
    if (!is_list)
        return wrong(request, "arguments", "must be a list of texts", err);
    char *text = json_dumps(words, JSON_COMPACT);
    if (text && strlen(text) >= BLUEPRINT_ARGUMENTS_MAX) {
        free(text);
        return wrong(request, "arguments", "is too long", err);
    }
    return take_text(&draft->arguments, text, err);
}

static int read_config(struct blueprint *draft, struct api_request *request, struct error *err)
{
    const char *text = json_string_value(json_object_get(request->body, "config"));

    if (!text)
        return wrong(request, "config", "must be a text", err);
    if (strlen(text) >= BLUEPRINT_CONFIG_MAX)
        return wrong(request, "config", "is too long", err);
    return take_text(&draft->config, strdup(text), err);
}

// [{"id": 3, "expose_server_cfg": true}]; name and type may stand there as they were shown.
static int read_overlay(struct blueprint_overlay *ret, json_t *row, struct error *err)
{
    static const char *const fields[] = { "id", "expose_server_cfg", "name", "type", NULL };
    const json_t            *id = json_object_get(row, "id");
    const json_t            *exposes = json_object_get(row, "expose_server_cfg");

    if (api_check_keys(row, fields, err) < 0 || !json_is_integer(id) ||
        json_integer_value(id) < 1 || (exposes && !json_is_boolean(exposes)))
        return -1;
    ret->overlay = json_integer_value(id);
    ret->exposes_server_cfg = json_is_true(exposes);
    return 0;
}

static int read_overlays(struct blueprint *draft, struct api_request *request, struct error *err)
{
    const json_t *rows = json_object_get(request->body, "overlays");
    size_t        n = json_array_size(rows);

    if (!json_is_array(rows) || n > BLUEPRINT_OVERLAYS_MAX)
        return wrong(request, "overlays", "must be a list of up to 248 of {\"id\", …}", err);
    free(draft->overlays);
    draft->n_overlays = 0;
    draft->overlays = calloc(n + 1, sizeof *draft->overlays);
    if (!draft->overlays)
        return error_sys(err, ENOMEM, "reading a blueprint");
    for (size_t i = 0; i < n; i++)
        if (read_overlay(&draft->overlays[i], json_array_get(rows, i), err) < 0)
            return wrong(request, "overlays",
                         "has rows of {\"id\": NUMBER, \"expose_server_cfg\": true or false}", err);
    draft->n_overlays = n;
    return 0;
}

// null, or nothing, is none of our own: 0.
static int read_limit(uint64_t *ret, const json_t *limits, const char *key, uint64_t max,
                      struct api_request *request, struct error *err)
{
    const json_t *value = json_object_get(limits, key);

    *ret = 0;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        (uint64_t)json_integer_value(value) > max) {
        (void)error_set(err, ERROR_INVALID, "the limit '%s' must be a number from 1 to %llu", key,
                        (unsigned long long)max);
        return api_about(request, "limits");
    }
    *ret = (uint64_t)json_integer_value(value);
    return 0;
}

static int read_limits(struct blueprint *draft, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "memory_bytes", "cpu_percent", "tasks", NULL };
    json_t                  *limits = json_object_get(request->body, "limits");
    uint64_t                 cpu_percent = 0, tasks = 0;

    if (!json_is_object(limits))
        return wrong(request, "limits", "must be an object", err);
    if (api_check_keys(limits, fields, err) < 0)
        return api_about(request, "limits");
    if (read_limit(&draft->memory_bytes, limits, "memory_bytes", LIMIT_MEMORY_MAX, request, err) <
            0 ||
        read_limit(&cpu_percent, limits, "cpu_percent", LIMIT_CPU_PERCENT_MAX, request, err) < 0 ||
        read_limit(&tasks, limits, "tasks", LIMIT_TASKS_MAX, request, err) < 0)
        return -1;
    draft->cpu_percent = (uint32_t)cpu_percent;
    draft->tasks = (uint32_t)tasks;
    return 0;
}

static int read_shared(struct blueprint *draft, struct api_request *request, struct error *err)
{
    return api_bool(&draft->is_shared, request, "shared", err);
}

static const struct {
    const char *field;
    int (*read)(struct blueprint *draft, struct api_request *request, struct error *err);
} readers[] = {
    { "name", read_name },         { "arguments", read_arguments }, { "config", read_config },
    { "overlays", read_overlays }, { "limits", read_limits },       { "shared", read_shared },
};

// Reads what is there into `draft`; with `wants_all`, all of it must be. What GET has shown besides
// may come back as it was.
static int read_draft(struct blueprint *draft, struct api_request *request, bool wants_all,
                      struct error *err)
{
    static const char *const fields[] = { "name",     "arguments", "config",  "overlays",  "limits",
                                          "shared",   "id",        "owner",   "n_servers", "may",
                                          "revision", "created",   "changed", NULL };

    if (api_check_fields(request, fields, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(readers); i++) {
        bool is_there = json_object_get(request->body, readers[i].field);
        if (!is_there && wants_all)
            return wrong(request, readers[i].field, "is missing: all of it is replaced", err);
        if (is_there && readers[i].read(draft, request, err) < 0)
            return -1;
    }
    return 0;
}

static int new_draft(struct blueprint **ret, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *draft = calloc(1, sizeof *draft);

    if (draft) {
        draft->arguments = strdup("[]");
        draft->config = strdup("");
        draft->overlays = calloc(1, sizeof *draft->overlays);
    }
    if (!draft || !draft->arguments || !draft->config || !draft->overlays)
        return error_sys(err, ENOMEM, "reading a blueprint");
    *ret = TAKE(draft);
    return 0;
}

static int judge(const struct blueprint *draft, struct api_request *request, struct error *err)
{
    char field[DRAFT_FIELD_MAX];

    return draft_check(draft, field, err) < 0 ? api_about(request, field) : 0;
}

// ---- looking ----------------------------------------------------------------------------------

static int list_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    int64_t                             viewer = user_viewer(&request->user);
    bool                                has_room = true;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while (has_room) {
        AUTO(blueprint_freep) struct blueprint *blueprint = NULL;
        int r = blueprint_next(&blueprint, request->web->db, page.at, viewer, err);
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        has_room = api_page_add(&page, blueprint->id, shown_blueprint(blueprint));
    }
    return api_page_answer(&page, request, "blueprints", err);
}

static int answer_blueprint(struct api_request *request, const struct blueprint *blueprint,
                            struct error *err)
{
    api_set_revision(request, blueprint->revision);
    return api_answer(request, 200, shown_blueprint(blueprint), err);
}

static int show_run(struct api_request *request, struct error *err)
{
    return answer_blueprint(request, request->blueprint, err);
}

// ---- making -----------------------------------------------------------------------------------

static void subject_of(char ret[32], int64_t id)
{
    (void)snprintf(ret, 32, "blueprint %lld", (long long)id); // it fits
}

// Records one that has been made, as a part of the transaction, and answers with it.
static int answer_made(struct api_request *request, struct transaction *transaction, int64_t id,
                       const char *action, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;
    char                                    subject[32];

    subject_of(subject, id);
    if (quota_check(request->web->db, QUOTA_BLUEPRINTS, &request->user, err) < 0 ||
        blueprint_find(&blueprint, request->web->db, id, user_viewer(&request->user), err) < 0 ||
        api_audit(request, action, subject, NULL, shown_blueprint(blueprint), err) < 0)
        return -1;
    api_set_revision(request, blueprint->revision);
    return api_answer_made(request, transaction, shown_blueprint(blueprint), err);
}

static int create_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(blueprint_freep) struct blueprint   *draft = NULL;
    struct database                          *db = request->web->db;
    int64_t                                   id = 0;

    if (new_draft(&draft, err) < 0 || read_draft(draft, request, false, err) < 0)
        return -1;
    if (!*draft->name)
        return wrong(request, "name", "is missing", err);
    draft->owner = request->user.id;
    draft->created_unix_s = api_now_unix_s();
    if (judge(draft, request, err) < 0 || transaction_begin(&transaction, db, err) < 0 ||
        blueprint_add(&id, db, draft, user_viewer(&request->user), err) < 0)
        return -1;
    return answer_made(request, &transaction, id, "blueprint.create", err);
}

static int copy_run(struct api_request *request, struct error *err)
{
    static const char *const                  fields[] = { "name", NULL };
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct blueprint                          named = { 0 };
    int64_t                                   id = 0;

    if (api_check_fields(request, fields, err) < 0 ||
        (api_has(request, "name") && read_name(&named, request, err) < 0) ||
        transaction_begin(&transaction, db, err) < 0 ||
        blueprint_copy(&id, db, request->blueprint->id, *named.name ? named.name : NULL,
                       request->user.id, api_now_unix_s(), err) < 0)
        return -1;
    return answer_made(request, &transaction, id, "blueprint.copy", err);
}

// ---- changing and removing --------------------------------------------------------------------

static int replace(struct api_request *request, struct blueprint *draft, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(blueprint_freep) struct blueprint   *blueprint = NULL;
    struct database                          *db = request->web->db;
    int64_t                                   viewer = user_viewer(&request->user);
    char                                      subject[32];

    subject_of(subject, draft->id);
    if (transaction_begin(&transaction, db, err) < 0 ||
        blueprint_replace(db, draft, viewer, err) < 0 ||
        blueprint_find(&blueprint, db, draft->id, viewer, err) < 0 ||
        api_audit(request, "blueprint.change", subject, shown_blueprint(request->blueprint),
                  shown_blueprint(blueprint), err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return answer_blueprint(request, blueprint, err);
}

static int replace_run(struct api_request *request, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *draft = NULL;

    if (api_check_revision(request, request->blueprint->revision, err) < 0 ||
        new_draft(&draft, err) < 0 || read_draft(draft, request, true, err) < 0 ||
        judge(draft, request, err) < 0)
        return -1;
    draft->id = request->blueprint->id;
    draft->revision = request->blueprint->revision;
    draft->changed_unix_s = api_now_unix_s();
    return replace(request, draft, err);
}

static int remove_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    char                                      subject[32];

    subject_of(subject, request->blueprint->id);
    if (transaction_begin(&transaction, db, err) < 0 ||
        blueprint_remove(db, request->blueprint->id, user_viewer(&request->user), err) < 0 ||
        api_audit(request, "blueprint.delete", subject, shown_blueprint(request->blueprint), NULL,
                  err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    api_answer_nothing(request);
    return 0;
}

// ---- what would come of it --------------------------------------------------------------------

// The draft is the blueprint as it is, with what the body says instead.
static int copy_draft(struct blueprint **ret, const struct blueprint *from, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *draft = NULL;

    if (new_draft(&draft, err) < 0 ||
        take_text(&draft->arguments, strdup(from->arguments), err) < 0 ||
        take_text(&draft->config, strdup(from->config), err) < 0)
        return -1;
    free(draft->overlays);
    draft->overlays = calloc(from->n_overlays + 1, sizeof *draft->overlays);
    if (!draft->overlays)
        return error_sys(err, ENOMEM, "reading a blueprint");
    memcpy(draft->overlays, from->overlays, from->n_overlays * sizeof *draft->overlays);
    draft->n_overlays = from->n_overlays;
    draft->id = from->id;
    draft->memory_bytes = from->memory_bytes;
    draft->cpu_percent = from->cpu_percent;
    draft->tasks = from->tasks;
    *ret = TAKE(draft);
    return 0;
}

static int preview_run(struct api_request *request, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *draft = NULL;

    if (copy_draft(&draft, request->blueprint, err) < 0 ||
        read_draft(draft, request, false, err) < 0)
        return -1;
    return preview_answer(request, &draft, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/blueprints", API_USER, TOKEN_READ, list_run, API_NONE, 0, API_EMPTY, 0 },
    { HTTP_POST, "/blueprints", API_USER, TOKEN_MANAGE, create_run, API_NONE, 0, API_JSON,
      BODY_MAX },
    { HTTP_GET, "/blueprints/#", API_USER, TOKEN_READ, show_run, API_BLUEPRINT, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_PUT, "/blueprints/#", API_USER, TOKEN_MANAGE, replace_run, API_BLUEPRINT, GRANT_MANAGE,
      API_JSON, BODY_MAX },
    { HTTP_DELETE, "/blueprints/#", API_USER, TOKEN_MANAGE, remove_run, API_BLUEPRINT, GRANT_MANAGE,
      API_EMPTY, 0 },
    { HTTP_POST, "/blueprints/#/preview", API_USER, TOKEN_READ, preview_run, API_BLUEPRINT,
      GRANT_VIEW, API_OPTIONAL, BODY_MAX },
    { HTTP_POST, "/blueprints/#/copy", API_USER, TOKEN_MANAGE, copy_run, API_BLUEPRINT, GRANT_VIEW,
      API_OPTIONAL, 0 },
};

const struct route_table blueprint_routes = { routes, ELEMENTS(routes) };
