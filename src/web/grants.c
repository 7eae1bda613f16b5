// SPDX-License-Identifier: MIT

// grants: who else may do what with a server, and its RCON password.

#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include "host/instance.h"
#include "store/change.h"
#include "web/api.h"
#include "web/shown.h"

static void subject_of(char ret[32], const struct api_request *request)
{
    (void)snprintf(ret, 32, "server %lld", (long long)request->parameters[0]); // it fits
}

// ---- grants -----------------------------------------------------------------------------------

static int read_rows(json_t **ret, const struct api_request *request, struct error *err)
{
    struct grant grant = { 0 };
    json_t      *rows = json_array();
    int          r;

    while ((r = grant_next(&grant, request->web->db, request->server->id, grant.user, err)) > 0)
        (void)json_array_append_new(
            rows, json_pack("{s:o, s:o}", "user", shown_person(grant.user, grant.user_name), "may",
                            shown_grants(grant.may))); // absent without memory
    if (r == 0)
        *ret = json_pack("{s:o}", "grants", rows);
    else
        json_decref(rows);
    return r;
}

static int list_run(struct api_request *request, struct error *err)
{
    json_t *json = NULL;

    return read_rows(&json, request, err) < 0 ? -1 : api_answer(request, 200, json, err);
}

// A user is named by his number, by his name, or as GET shows him.
static int read_user(struct grant *ret, const struct api_request *request, const json_t *json,
                     struct error *err)
{
    const json_t *id = json_is_object(json) ? json_object_get(json, "id") : json;
    struct user   user;
    int           r = -1;

    if (json_is_integer(id) && json_integer_value(id) > 0)
        r = user_find(&user, request->web->db, json_integer_value(id), err);
    else if (json_is_string(id))
        r = user_find_name(&user, request->web->db, json_string_value(id), err);
    else
        return error_set(err, ERROR_INVALID, "'user' is the name of a user, or a number");
    if (r == 0)
        ret->user = user.id;
    else if (err->kind == ERROR_NOT_FOUND)
        err->kind = ERROR_INVALID;
    return r;
}

static int read_may(struct grant *ret, const json_t *words, struct error *err)
{
    if (!json_is_array(words) || json_array_size(words) == 0)
        return error_set(err, ERROR_INVALID, "'may' is a list of one word or more");
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        unsigned    bit = 0;
        if (grant_parse(&bit, word ? word : "", err) < 0)
            return -1;
        ret->may |= bit;
    }
    return 0;
}

static int read_grants(struct grant **ret, size_t *ret_n, struct api_request *request,
                       struct error *err)
{
    static const char *const fields[] = { "grants", NULL };
    static const char *const of_row[] = { "user", "may", NULL };
    const json_t            *rows = json_object_get(request->body, "grants");
    size_t                   n = json_array_size(rows);

    if (api_check_fields(request, fields, err) < 0)
        return -1;
    (void)api_about(request, "grants");
    if (!json_is_array(rows) || n > GRANT_USERS_MAX)
        return error_set(err, ERROR_INVALID,
                         "'grants' is a list of up to %u of {\"user\", \"may\"}", GRANT_USERS_MAX);
    AUTO(freep) struct grant *grants = calloc(n + 1, sizeof *grants);
    if (!grants)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_array_get(rows, i);
        if (api_check_keys(row, of_row, err) < 0 ||
            read_user(&grants[i], request, json_object_get(row, "user"), err) < 0 ||
            read_may(&grants[i], json_object_get(row, "may"), err) < 0)
            return -1;
    }
    *ret = TAKE(grants);
    *ret_n = n;
    return 0;
}

static int replace_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    AUTO(freep) struct grant                 *grants = NULL;
    struct database                          *db = request->web->db;
    json_t                                   *before = NULL, *after = NULL;
    char                                      subject[32];
    size_t                                    n = 0;

    subject_of(subject, request);
    if (read_grants(&grants, &n, request, err) < 0 ||
        transaction_begin(&transaction, db, err) < 0 || read_rows(&before, request, err) < 0)
        return -1;
    if (grant_replace(db, request->server->id, grants, n, err) < 0 ||
        read_rows(&after, request, err) < 0) {
        json_decref(before);
        return -1;
    }
    if (api_audit(request, "server.grants", subject, before, json_incref(after), err) < 0 ||
        api_commit(request, &transaction, err) < 0) {
        json_decref(after);
        return -1;
    }
    return api_answer(request, 200, after, err);
}

// ---- the password -----------------------------------------------------------------------------

static int answer_secret(struct api_request *request, struct error *err)
{
    char password[SERVER_RCON_MAX];

    if (server_rcon_password(password, request->web->db, request->server->id, &request->web->key,
                             err) < 0)
        return -1;
    int r = api_answer(request, 200, json_pack("{s:s}", "rcon_password", password), err);
    sodium_memzero(password, sizeof password);
    return r;
}

// One of the caller's, or a new one. It counts when the server is started again.
static int read_secret(char ret[SERVER_RCON_MAX], struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "rcon_password", NULL };

    *ret = '\0';
    if (api_check_fields(request, fields, err) < 0)
        return -1;
    if (!api_has(request, "rcon_password"))
        return 0;
    if (api_text(ret, SERVER_RCON_MAX, SERVER_RCON_MIN, request, "rcon_password", err) < 0)
        return -1;
    if (instance_password_is_valid(ret))
        return 0;
    (void)error_set(err, ERROR_INVALID, "an RCON password has 8 to 64 of A-Z a-z 0-9 . _ ~ + = -");
    return api_about(request, "rcon_password");
}

static int set_secret_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    char                                      password[SERVER_RCON_MAX], subject[32];

    subject_of(subject, request);
    if (read_secret(password, request, err) < 0 || transaction_begin(&transaction, db, err) < 0 ||
        server_set_rcon_password(db, request->server->id, &request->web->key,
                                 *password ? password : NULL, api_now_unix_s(), err) < 0 ||
        api_audit(request, "server.secret", subject, NULL, NULL, err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    sodium_memzero(password, sizeof password);
    return answer_secret(request, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/servers/#/grants", API_USER, TOKEN_READ, list_run, API_SERVER, GRANT_MANAGE,
      API_EMPTY, 0 },
    { HTTP_PUT, "/servers/#/grants", API_USER, TOKEN_MANAGE, replace_run, API_SERVER, GRANT_MANAGE,
      API_JSON, 0 },
    { HTTP_GET, "/servers/#/secret", API_USER, TOKEN_MANAGE, answer_secret, API_SERVER,
      GRANT_MANAGE, API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/secret", API_USER, TOKEN_MANAGE, set_secret_run, API_SERVER,
      GRANT_MANAGE, API_OPTIONAL, 0 },
};

const struct route_table grant_routes = { routes, ELEMENTS(routes) };
