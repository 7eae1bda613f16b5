// SPDX-License-Identifier: MIT
#pragma once

// api: what the requests of the JSON API have in common.
//
// A route is a row: method, path, who may, with which token, a function, the thing that it is about
// with what one must be allowed to do with it, and its body. Before the function runs it is known
// who asks; that a browser which was led here by another page does not ask in somebody's name; that
// the thing is there, and he may; and the body is what the row says. The function answers, or
// returns -1 and an error, which is answered as every error is:
//
//   {"error": {"kind": "invalid", "message": "one sentence", "field": "name"}}
//
// What one may not see is not there (404); what one may see and not do is 403.

#include <jansson.h>
#include "host/paths.h"
#include "http/server.h"
#include "store/grant.h"
#include "store/idempotency.h"
#include "store/job.h"
#include "store/secret.h"
#include "store/session.h"
#include "store/token.h"
#include "web/password.h"
#include "web/throttle.h"

#define API_PREFIX         "/api/v1"
#define API_BODY_MAX       65536u // bytes, where the row says nothing else
#define API_FIELD_MAX      32u
#define API_PARAMETERS_MAX 2u
#define API_WORD_MAX       33u // bytes of what stands for a '*' in a path, the NUL included
#define API_LIST_MAX       100u
#define API_LIST_BYTES     (512u << 10) // of the rows of a page, unless one alone has more
#define API_ETAG_MAX       64u          // bytes without its quotes
#define API_WAIT_MAX_S     60u

#define WEB_DB_WAIT_MS 100u // for another one that writes: the loop stands still meanwhile

struct bell;
struct lookups;
struct waiting_room;
struct hub;
struct server;
struct blueprint;
struct owned_overlay;
struct aside;
struct downloads;
struct passings;
struct remembered;

struct web {
    sd_event            *event;
    struct http_server  *server;
    struct database     *db;
    struct hasher       *hasher;
    struct throttle     *throttle;
    struct bell         *bell;     // to the worker, and from it
    struct waiting_room *waiting;  // for the end of a job
    struct hub          *hub;      // of those who listen to events
    struct lookups      *lookups;  // of what is said by the host
    const char          *ctl_path; // of l4d2ctl
    struct passings     *passings; // of what is passed on from there
    struct aside        *aside;    // what waits for a disk: see beside.h
    struct downloads    *downloads;
    struct remembered   *remembered;
    struct host_paths    paths;
    struct secret_key    key; // of what is sealed in the database
    struct site         *site;
    bool                 is_secure; // it is reached by https, but from the machine itself
};

// Who may ask. A session or a token says who it is; API_SESSION is for what no token is good for.
enum api_access { API_ANYBODY, API_USER, API_SESSION, API_ADMIN, API_ACCESSES };

// What the first number of the path is: it is found before the function runs. An API_OWN one is
// found by the function, among what belongs to who asks.
enum api_object {
    API_NONE,
    API_OWN,
    API_SERVER,
    API_BLUEPRINT,
    API_OVERLAY,
    API_JOB,
    API_OBJECTS,
};

// API_OPTIONAL: a JSON object, or nothing, which is as good as an empty one.
enum api_body { API_EMPTY, API_JSON, API_OPTIONAL, API_BYTES, API_BODIES };

struct api_request {
    struct web           *web;
    struct http_exchange *exchange;
    const struct route   *route;
    struct user           user;                           // id 0: nobody is known
    struct session        session;                        // id 0: it came without one
    struct token          token;                          // the same
    int64_t               parameters[API_PARAMETERS_MAX]; // the numbers in the path, in order
    char                  word[API_WORD_MAX];             // what stands for its '*'
    // The thing that it is about, one of these, and what who asks may do with it.
    struct server        *server;
    struct blueprint     *blueprint;
    struct owned_overlay *overlay;
    struct job           *job;
    unsigned              may;   // bits of grant.h
    json_t               *body;  // an object; NULL: there is none
    const char           *bytes; // the body as it came
    size_t                n_bytes;
    char                  field[API_FIELD_MAX];  // that an error is about; "": none
    int                   status;                // of an error; 0: that of its kind
    bool                  has_waited;            // attempt.h: who asks has failed often
    void (*forget)(struct api_request *request); // what is under way when the client leaves
    void (*more)(struct api_request *request);   // a stream can take more: see server.h
    void                      *work;             // what these two need to know
    struct idempotency_request asked;            // key NULL: it came without an Idempotency-Key
    char                       key[IDEMPOTENCY_KEY_MAX];
};

struct route {
    enum http_method method;
    const char      *path; // behind the prefix; '#': a number, '*': 32 digits of hex
    enum api_access  access;
    enum token_scope scope; // the least one of a token
    // Answers, or sees to it that it is answered later, and returns 0.
    int (*run)(struct api_request *request, struct error *err);
    enum api_object object;
    unsigned        need; // bits of grant.h, all of them
    enum api_body   body;
    size_t          body_max; // bytes; 0: API_BODY_MAX
};

struct route_table {
    const struct route *routes;
    size_t              n;
};

extern const struct route_table account_routes, blueprint_routes, event_routes, file_routes,
    game_routes, grant_routes, job_routes, login_routes, machine_routes, overlay_routes,
    overlaytext_routes, owner_routes, server_routes, serverhost_routes, player_routes,
    setting_routes, token_routes, totp_routes, upload_routes, upper_routes, user_routes, zip_routes;

// Calls `show` for each route there is.
void api_each_route(void (*show)(void *context, const struct route *route), void *context);

const char *api_method_word(enum http_method method);

extern const struct http_handler api_handler; // its context is a struct web

// ---- answers ----------------------------------------------------------------------------------

// Takes `json`; NULL, which is what jansson makes without memory, is an error of ours.
int  api_answer(struct api_request *request, int status, json_t *json, struct error *err) MUST_USE;
void api_answer_nothing(struct api_request *request); // 204
void api_answer_error(struct api_request *request, const struct error *err);
// That the error is about a field of the body, or of the query. Returns -1.
int api_about(struct api_request *request, const char *field);
// The error has another status than that of its kind. Returns -1.
int api_status(struct api_request *request, int status);

// ---- what is changed ----------------------------------------------------------------------------

// Commits what others see, and tells them: the worker, and through him those who show it.
int api_commit(struct api_request *request, struct transaction *transaction, struct error *err)
    MUST_USE;

// What was made is answered with 201, when it is committed. With an Idempotency-Key the answer is
// kept as a part of the transaction, and whoever asks again with the key is answered the same.
int api_answer_made(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err) MUST_USE;
// The same for an answer with a secret in it, which is shown once: who asks again is told so.
int api_answer_once(struct api_request *request, struct transaction *transaction, json_t *json,
                    struct error *err) MUST_USE;

// Asks for a job in the name of who asks, as a part of the transaction, and records it. Takes
// `parameters`; NULL: it has none.
int api_job_add(int64_t *ret_id, struct api_request *request, const char *kind, int64_t server,
                int64_t overlay, json_t *parameters, struct error *err) MUST_USE;
// Commits and answers with the job: 202. With ?wait=S it answers when the job has ended, or after
// that many seconds: 200 if it is done, its own error if it failed.
int api_answer_job(struct api_request *request, struct transaction *transaction, int64_t job_id,
                   struct error *err) MUST_USE;
// Both, in a transaction of its own, for who changes nothing else.
int api_run_job(struct api_request *request, const char *kind, int64_t server, int64_t overlay,
                json_t *parameters, struct error *err) MUST_USE;

// ---- what the host says -------------------------------------------------------------------------

// Is called with what the command has said, an object or an array, borrowed. It answers, or looks
// up something else.
typedef int (*api_said)(struct api_request *request, json_t *said, struct error *err);

// Runs `l4d2ctl WORDS --json` for something that is only read, and calls `said`; if the command
// fails, its error is answered. `words` end with NULL, up to 60; they and the input are copied.
// Only so many run at once, and a few more wait; ERROR_UNAVAILABLE: there are too many.
int api_ctl(struct api_request *request, const char *const *words, const char *input,
            size_t n_input, api_said said, struct error *err) MUST_USE;
// Answers with what the command says; an array as {"NAME": […]}. `name` is borrowed.
int api_ctl_json(struct api_request *request, const char *const *words, const char *name,
                 struct error *err) MUST_USE;

// ---- things that a body names -------------------------------------------------------------------

// What a body names is found as what `user_viewer(&request->user)` sees: then this is asked of it.
// ERROR_DENIED: who asks may see it and not do it. `word` is what it is: "server".
int api_check_may(unsigned may, unsigned need, const char *word, struct error *err) MUST_USE;

// ---- versions -----------------------------------------------------------------------------------

// `etag` has letters, digits and dashes, 64 at most, and is sent within quotes.
void api_set_etag(struct api_request *request, const char *etag);
void api_set_revision(struct api_request *request, int64_t revision);
// That who changes it has seen it as it is: If-Match has its etag. 428: it has none, 412: another.
// An `etag` of NULL: there is no such thing yet, which If-None-Match: * asks for.
int api_check_etag(struct api_request *request, const char *etag, struct error *err) MUST_USE;
int api_check_revision(struct api_request *request, int64_t revision, struct error *err) MUST_USE;
// For what is checked where it is changed: the etag that it must have, "*" for any, or that there
// must be none yet. 428: the request asks for nothing of that.
int api_read_match(char ret[API_ETAG_MAX + 1], bool *ret_is_new, struct api_request *request,
                   struct error *err) MUST_USE;

// ---- lists --------------------------------------------------------------------------------------

//   AUTO(api_page_done) struct api_page page = { 0 };
//   if (api_page_begin(&page, request, "after", err) < 0)
//       return -1;
//   while ((r = thing_next(&thing, db, page.at, err)) > 0 &&
//          api_page_add(&page, thing.id, thing_json(&thing)))
//       ;
//   return r < 0 ? -1 : api_page_answer(&page, request, "things", err);
struct api_page {
    json_t  *rows;
    size_t   n_bytes; // of them
    int64_t  at;      // where it goes on; 0: at the beginning
    unsigned limit;
    bool     has_more;
};

// `name` is "after" where the oldest ones come first, "before" where the newest do.
int api_page_begin(struct api_page *page, struct api_request *request, const char *name,
                   struct error *err) MUST_USE;
// With another limit of ?limit= than API_LIST_MAX.
int  api_page_begin_up_to(struct api_page *page, struct api_request *request, const char *name,
                          unsigned max, struct error *err) MUST_USE;
void api_page_done(struct api_page *page);
// Takes `row`. False: the page is full, and the row is of the next one.
bool api_page_add(struct api_page *page, int64_t id, json_t *row);
int  api_page_answer(struct api_page *page, struct api_request *request, const char *name,
                     struct error *err) MUST_USE;

// ---- what a body says ---------------------------------------------------------------------------

// That there is nothing in it but these, which end with NULL.
int api_check_fields(struct api_request *request, const char *const *fields, struct error *err)
    MUST_USE;
int  api_check_keys(json_t *object, const char *const *fields, struct error *err) MUST_USE; // in it
bool api_has(const struct api_request *request, const char *field); // and it is not null

// A text of `min` to `size - 1` bytes without control characters.
int api_text(char *ret, size_t size, size_t min, struct api_request *request, const char *field,
             struct error *err) MUST_USE;
int api_number(int64_t *ret, struct api_request *request, const char *field, int64_t min,
               int64_t max, struct error *err) MUST_USE;
int api_bool(bool *ret, struct api_request *request, const char *field, struct error *err) MUST_USE;

// Of a parameter of the query. `fallback` if it is not there.
int api_query_number(int64_t *ret, struct api_request *request, const char *name, int64_t min,
                     int64_t max, int64_t fallback, struct error *err) MUST_USE;
// Up to `size - 1` bytes without control characters; "" if it is not there.
int api_query_text(char *ret, size_t size, struct api_request *request, const char *name,
                   struct error *err) MUST_USE;

// ---- besides ------------------------------------------------------------------------------------

json_t *api_user_json(const struct user *user);
json_t *api_job_json(const struct job *job);

int64_t api_now_unix_s(void);
int64_t api_now_us(void);
// The address of the client, as a text.
void api_address(char ret[SESSION_ADDRESS_MAX], const struct api_request *request);

// Records what was done, as a part of the transaction: "server.change", "server 12", what it was
// before and is after. Takes both, which may be NULL, and have no secret in them.
int api_audit(const struct api_request *request, const char *action, const char *subject,
              json_t *before, json_t *after, struct error *err) MUST_USE;

// The same for what is recorded when the request may be over.
struct api_who {
    int64_t user;
    char    name[USER_NAME_MAX];
    char    origin[SESSION_ADDRESS_MAX + TOKEN_NAME_MAX + 10];
};
void api_who(struct api_who *ret, const struct api_request *request);
int  api_audit_as(struct database *db, const struct api_who *who, const char *action,
                  const char *subject, json_t *before, json_t *after, struct error *err) MUST_USE;
