// SPDX-License-Identifier: MIT

// servers: the game servers that people have. What a server is to be is changed here at once, what
// it does is a job.

#include "web/shown.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "store/quota.h"
#include "store/right.h"
#include "store/setting.h"
#include "web/draft.h"
#include "web/api.h"
#include "web/remembered.h"

// ---- looking ----------------------------------------------------------------------------------

static int add_rows(struct api_page *page, struct api_request *request,
                    const struct server_filter *filter, struct error *err)
{
    struct server server;
    json_t       *row = NULL;
    int           r;

    while ((r = server_next(&server, request->web->db, page->at, filter, err)) > 0) {
        if (shown_server(&row, request->web->db, &server, false, err) < 0)
            return -1;
        if (!api_page_add(page, server.id, row))
            return 0;
    }
    return r;
}

static int make_list(json_t **ret, struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    struct server_filter                filter = { .viewer = user_viewer(&request->user) };

    if (api_query_number(&filter.blueprint, request, "blueprint", 1, INT64_MAX, 0, err) < 0 ||
        api_query_number(&filter.overlay, request, "overlay", 1, INT64_MAX, 0, err) < 0 ||
        api_page_begin(&page, request, "after", err) < 0 ||
        add_rows(&page, request, &filter, err) < 0)
        return -1;
    json_t *next = page.has_more ? json_integer(page.at) : json_null();
    *ret = json_pack("{s:O, s:o}", "servers", page.rows, "next", next);
    return 0;
}

// Every page that is open asks for it, and it seldom changes.
static int list_run(struct api_request *request, struct error *err)
{
    json_t *json = NULL;
    int     r = remembered_answer(request, err);

    if (r != 0)
        return r < 0 ? -1 : 0;
    return make_list(&json, request, err) < 0 ? -1 : remembered_keep(request, json, err);
}

static int answer_server(struct api_request *request, const struct server *server,
                         struct error *err)
{
    json_t *json = NULL;

    if (shown_server(&json, request->web->db, server, true, err) < 0)
        return -1;
    api_set_revision(request, server->revision);
    return api_answer(request, 200, json, err);
}

static int show_run(struct api_request *request, struct error *err)
{
    return answer_server(request, request->server, err);
}

// ---- making and changing ----------------------------------------------------------------------

static int read_name(struct server *server, struct api_request *request, struct error *err)
{
    if (api_text(server->name, sizeof server->name, 1, request, "name", err) < 0)
        return -1;
    return name_check(server->name, "a server", err) < 0 ? api_about(request, "name") : 0;
}

static int read_hostname(struct server *server, struct api_request *request, struct error *err)
{
    if (api_text(server->hostname, sizeof server->hostname, 0, request, "hostname", err) < 0)
        return -1;
    return *server->hostname && draft_check_hostname(server->hostname, err) < 0
               ? api_about(request, "hostname")
               : 0;
}

static int read_blueprint(struct server *server, struct api_request *request, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;

    if (api_number(&server->blueprint, request, "blueprint", 1, INT64_MAX, err) < 0)
        return -1;
    if (blueprint_find(&blueprint, request->web->db, server->blueprint, user_viewer(&request->user),
                       err) == 0)
        return 0;
    (void)api_about(request, "blueprint");
    return err->kind == ERROR_NOT_FOUND
               ? error_set(err, ERROR_INVALID, "there is no such blueprint")
               : -1;
}

// What else listens on the machine, or is to, is for admins to know: a user chooses among the ports
// that there are for servers, or keeps the one that his server has.
static int check_port(const struct server *server, int64_t port, struct api_request *request,
                      struct error *err)
{
    int64_t from = 0, to = 0;

    if (request->user.role == ROLE_ADMIN || port == server->ports.game)
        return 0;
    if (setting_number(&from, request->web->db, SETTING_PORT_FROM, err) < 0 ||
        setting_number(&to, request->web->db, SETTING_PORT_TO, err) < 0)
        return -1;
    if (port >= from && port <= to)
        return 0;
    (void)error_set(err, ERROR_INVALID,
                    "the ports for servers are %" PRIi64 " to %" PRIi64
                    ": an admin can choose another one",
                    from, to);
    return api_about(request, "port");
}

// null, or nothing: any that is free.
static int read_port(struct server *server, struct api_request *request, struct error *err)
{
    int64_t port = 0;

    if (api_has(request, "port") &&
        (api_number(&port, request, "port", SERVER_PORT_MIN, SERVER_PORT_MAX, err) < 0 ||
         check_port(server, port, request, err) < 0))
        return -1;
    server->ports = (struct server_ports){ .game = (uint16_t)port };
    return 0;
}

static json_t *wanted_json(const struct server *server)
{
    return json_pack("{s:s, s:s, s:I, s:i}", "name", server->name, "hostname", server->hostname,
                     "blueprint", (json_int_t)server->blueprint, "port", (int)server->ports.game);
}

static void subject_of(char ret[32], int64_t id)
{
    (void)snprintf(ret, 32, "server %lld", (long long)id); // it fits
}

static int create(struct api_request *request, const struct server *wanted, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct server                             server;
    json_t                                   *json = NULL;
    char                                      subject[32];
    int64_t                                   id = 0;

    if (transaction_begin(&transaction, db, err) < 0)
        return -1;
    if (server_add(&id, db, wanted, &request->web->key, NULL, err) < 0)
        return err->kind == ERROR_BUSY ? api_about(request, "port") : -1;
    subject_of(subject, id);
    if (quota_check(db, QUOTA_SERVERS, &request->user, err) < 0 ||
        server_find(&server, db, id, user_viewer(&request->user), err) < 0 ||
        api_audit(request, "server.create", subject, NULL, wanted_json(&server), err) < 0 ||
        shown_server(&json, db, &server, true, err) < 0)
        return -1;
    api_set_revision(request, server.revision);
    return api_answer_made(request, &transaction, json, err);
}

static int create_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "blueprint", "hostname", "port", NULL };
    struct server server = { .owner = request->user.id, .created_unix_s = api_now_unix_s() };

    if (api_check_fields(request, fields, err) < 0 || read_name(&server, request, err) < 0 ||
        read_blueprint(&server, request, err) < 0 ||
        (api_has(request, "hostname") && read_hostname(&server, request, err) < 0) ||
        read_port(&server, request, err) < 0)
        return -1;
    return create(request, &server, err);
}

static int change(struct api_request *request, const struct server *wanted, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct server                             server;
    char                                      subject[32];

    subject_of(subject, wanted->id);
    if (transaction_begin(&transaction, db, err) < 0)
        return -1;
    if (server_change(db, wanted, err) < 0)
        return err->kind == ERROR_BUSY ? api_about(request, "port") : -1;
    if (server_find(&server, db, wanted->id, user_viewer(&request->user), err) < 0 ||
        api_audit(request, "server.change", subject, wanted_json(request->server),
                  wanted_json(&server), err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return answer_server(request, &server, err);
}

static int change_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "blueprint", "hostname", "port", NULL };
    static const struct {
        const char *field;
        int (*read)(struct server *server, struct api_request *request, struct error *err);
    } readers[] = {
        { "name", read_name },
        { "blueprint", read_blueprint },
        { "hostname", read_hostname },
        { "port", read_port },
    };
    struct server server = *request->server;

    if (api_check_fields(request, fields, err) < 0 ||
        api_check_revision(request, server.revision, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(readers); i++)
        if (api_has(request, readers[i].field) && readers[i].read(&server, request, err) < 0)
            return -1;
    server.changed_unix_s = api_now_unix_s();
    return change(request, &server, err);
}

// ---- what it does -----------------------------------------------------------------------------

// What is wanted of it from now on stands there with the job, or neither does.
static int act(struct api_request *request, const char *kind, json_t *parameters, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    enum right_wish                           wish = right_wish(kind);
    int64_t                                   server = request->server->id, job = 0;

    if (transaction_begin(&transaction, db, err) < 0 ||
        (wish != RIGHT_WISH_NONE &&
         server_set_wanted(db, server, wish == RIGHT_WISH_RUNNING, err) < 0)) {
        json_decref(parameters);
        return -1;
    }
    if (api_job_add(&job, request, kind, server, 0, parameters, err) < 0)
        return -1;
    return api_answer_job(request, &transaction, job, err);
}

// {"with": [{"overlay": 3, "generation": 7}]}: this once with that generation.
static int read_with(json_t **ret, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "with", NULL };
    static const char *const of_row[] = { "overlay", "generation", NULL };
    const json_t            *with = json_object_get(request->body, "with");
    json_t                  *words = json_array();
    size_t                   i;
    json_t                  *row;

    if (api_check_fields(request, fields, err) < 0) {
        json_decref(words);
        return -1;
    }
    json_array_foreach(with, i, row)
    {
        json_int_t overlay = json_integer_value(json_object_get(row, "overlay"));
        json_int_t generation = json_integer_value(json_object_get(row, "generation"));
        if (overlay < 1 || overlay > NUMBER_MAX || generation < 1 || generation > NUMBER_MAX ||
            api_check_keys(row, of_row, err) < 0)
            break;
        (void)json_array_append_new(words, json_sprintf("%d=%d", (int)overlay, (int)generation));
    }
    if (i < json_array_size(with) || (api_has(request, "with") && !json_is_array(with))) {
        json_decref(words);
        (void)error_set(err, ERROR_INVALID, "'with' is a list of {\"overlay\", \"generation\"}");
        return api_about(request, "with");
    }
    *ret = i == 0 ? NULL : json_pack("{s:O}", "with", words);
    json_decref(words);
    return 0;
}

static int start_run(struct api_request *request, struct error *err)
{
    json_t *parameters = NULL;

    return read_with(&parameters, request, err) < 0 ? -1
                                                    : act(request, "server.start", parameters, err);
}

static int restart_run(struct api_request *request, struct error *err)
{
    json_t *parameters = NULL;

    return read_with(&parameters, request, err) < 0
               ? -1
               : act(request, "server.restart", parameters, err);
}

static int stop_run(struct api_request *request, struct error *err)
{
    return act(request, "server.stop", NULL, err);
}

static int kill_run(struct api_request *request, struct error *err)
{
    return act(request, "server.kill", NULL, err);
}

static int reset_run(struct api_request *request, struct error *err)
{
    return act(request, "server.reset", NULL, err);
}

static int delete_run(struct api_request *request, struct error *err)
{
    return act(request, "server.delete", NULL, err);
}

static int overlay_run(struct api_request *request, struct error *err)
{
    if (request->server->overlay)
        return error_set(err, ERROR_EXISTS, "the server has an overlay of its own already: %lld",
                         (long long)request->server->overlay);
    return act(request, "server.overlay", NULL, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/servers", API_USER, TOKEN_READ, list_run, API_NONE, 0, API_EMPTY, 0 },
    { HTTP_POST, "/servers", API_USER, TOKEN_MANAGE, create_run, API_NONE, 0, API_JSON, 0 },
    { HTTP_GET, "/servers/#", API_USER, TOKEN_READ, show_run, API_SERVER, GRANT_VIEW, API_EMPTY,
      0 },
    { HTTP_PATCH, "/servers/#", API_USER, TOKEN_MANAGE, change_run, API_SERVER, GRANT_MANAGE,
      API_JSON, 0 },
    { HTTP_DELETE, "/servers/#", API_USER, TOKEN_MANAGE, delete_run, API_SERVER, GRANT_MANAGE,
      API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/start", API_USER, TOKEN_OPERATE, start_run, API_SERVER, GRANT_OPERATE,
      API_OPTIONAL, 0 },
    { HTTP_POST, "/servers/#/restart", API_USER, TOKEN_OPERATE, restart_run, API_SERVER,
      GRANT_OPERATE, API_OPTIONAL, 0 },
    { HTTP_POST, "/servers/#/stop", API_USER, TOKEN_OPERATE, stop_run, API_SERVER, GRANT_OPERATE,
      API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/kill", API_USER, TOKEN_OPERATE, kill_run, API_SERVER, GRANT_OPERATE,
      API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/reset", API_USER, TOKEN_OPERATE, reset_run, API_SERVER, GRANT_OPERATE,
      API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/overlay", API_USER, TOKEN_MANAGE, overlay_run, API_SERVER, GRANT_FILES,
      API_EMPTY, 0 },
};

const struct route_table server_routes = { routes, ELEMENTS(routes) };
