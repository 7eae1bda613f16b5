// SPDX-License-Identifier: MIT
#pragma once

// api: what the requests of the JSON API have in common.
//
// A route is a row: method, path, who may, how large the body may be, and a function. Before the
// function runs it is known who asks; that a browser which was led here by another page does not
// ask in somebody's name; and the body is a JSON object. The function answers, or returns -1 and an
// error, which is answered as every error is:
//
//   {"error": {"kind": "invalid", "message": "one sentence", "field": "name"}}

#include <jansson.h>
#include "http/server.h"
#include "store/session.h"
#include "web/password.h"
#include "web/throttle.h"

#define API_PREFIX         "/api/v1"
#define API_BODY_MAX       65536u // bytes of JSON
#define API_FIELD_MAX      32u
#define API_PARAMETERS_MAX 2u

struct web {
    sd_event           *event;
    struct http_server *server;
    struct database    *db;
    struct hasher      *hasher;
    struct throttle    *throttle;
    bool                is_secure; // it is reached by https, but from the machine itself
};

// Who may ask. A session or a token says who it is.
enum api_access { API_ANYBODY, API_USER, API_ADMIN };

struct api_request {
    struct web           *web;
    struct http_exchange *exchange;
    const struct route   *route;
    json_t               *body;                           // an object; NULL: there is none
    int64_t               parameters[API_PARAMETERS_MAX]; // the numbers in the path, in order
    struct user           user;                           // id 0: nobody is known
    struct session        session;
    char                  field[API_FIELD_MAX];  // that an error is about; "": none
    int                   status;                // of an error; 0: that of its kind
    void (*forget)(struct api_request *request); // what is under way when the client leaves
};

struct route {
    enum http_method method;
    const char      *path; // behind the prefix; '#' stands for a number
    enum api_access  access;
    bool             has_body;
    // Answers, or sees to it that it is answered later, and returns 0.
    int (*run)(struct api_request *request, struct error *err);
};

struct route_table {
    const struct route *routes;
    size_t              n;
};

extern const struct route_table account_routes, user_routes;

// Calls `show` for each route there is.
void api_each_route(void (*show)(void *context, const struct route *route), void *context);

extern const struct http_handler api_handler; // its context is a struct web

// ---- answers ----------------------------------------------------------------------------------

// Takes `json`; NULL, which is what jansson makes without memory, is an error of ours.
int  api_answer(struct api_request *request, int status, json_t *json, struct error *err) MUST_USE;
void api_answer_error(struct api_request *request, const struct error *err);

// ---- what a body says --------------------------------------------------------------------------

// A text of `min` to `size - 1` bytes without control characters.
int api_text(char *ret, size_t size, size_t min, struct api_request *request, const char *field,
             struct error *err) MUST_USE;
// That there is nothing in it but these, which end with NULL.
int api_check_fields(struct api_request *request, const char *const *fields, struct error *err)
    MUST_USE;

// The number of a parameter of the query, `fallback` if it is not there.
int api_query_number(int64_t *ret, struct api_request *request, const char *name, int64_t min,
                     int64_t max, int64_t fallback, struct error *err) MUST_USE;

json_t *api_user_json(const struct user *user);

int64_t api_now_unix_s(void);
// The address of the client, as a text.
void api_address(char ret[SESSION_ADDRESS_MAX], const struct api_request *request);

// Records what was done, as a part of the transaction.
int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *after, struct error *err) MUST_USE;
