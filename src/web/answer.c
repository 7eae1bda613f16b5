// SPDX-License-Identifier: MIT

// answer: how the API answers, the pages of a list, and the versions of what is edited.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "web/api.h"

int api_answer(struct api_request *request, int status, json_t *json, struct error *err)
{
    AUTO(freep) char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(json);
    if (!text)
        return error_set(err, ERROR_NO_SPACE, "there is no memory for the answer");
    http_exchange_answer(request->exchange, status, "application/json", text, strlen(text));
    return 0;
}

void api_answer_nothing(struct api_request *request)
{
    http_exchange_answer(request->exchange, 204, NULL, NULL, 0);
}

// ---- errors -----------------------------------------------------------------------------------

int api_about(struct api_request *request, const char *field)
{
    (void)snprintf(request->field, sizeof request->field, "%s", field); // of our own, short
    return -1;
}

int api_status(struct api_request *request, int status)
{
    request->status = status;
    return -1;
}

static int status_of(const struct api_request *request, const struct error *err)
{
    if (request->status)
        return request->status;
    // Who may do it once he has said who he is, is asked to.
    if (err->kind == ERROR_DENIED && !request->user.id)
        return 401;
    // Another process was writing for too long: nothing that the client has to look into.
    if (err->kind == ERROR_BUSY && err->errnum == EAGAIN)
        return 503;
    return error_kind_info(err->kind)->http_status;
}

void api_answer_error(struct api_request *request, const struct error *err)
{
    static const char fallback[] = "{\"error\":{\"kind\":\"no-space\",\"message\":"
                                   "\"out of memory\",\"field\":null}}";
    struct error      ignored;
    int               status = status_of(request, err);
    json_t           *field = *request->field ? json_string(request->field) : json_null();
    json_t           *json =
        json_pack("{s:{s:s, s:s, s:o}}", "error", "kind", error_kind_info(err->kind)->word,
                  "message", err->message, "field", field);

    if (status == 401)
        http_exchange_add(request->exchange, "WWW-Authenticate", "Bearer");
    if (status == 503)
        http_exchange_add(request->exchange, "Retry-After", "1");
    if (api_answer(request, status, json, &ignored) < 0)
        http_exchange_answer(request->exchange, 503, "application/json", fallback,
                             sizeof fallback - 1);
}

// ---- versions -----------------------------------------------------------------------------------

void api_set_etag(struct api_request *request, const char *etag)
{
    char quoted[API_ETAG_MAX + 3];

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag); // it fits
    http_exchange_add(request->exchange, "ETag", quoted);
}

static void print_revision(char ret[API_ETAG_MAX + 1], int64_t revision)
{
    (void)snprintf(ret, API_ETAG_MAX + 1, "%" PRId64, revision); // it fits
}

void api_set_revision(struct api_request *request, int64_t revision)
{
    char etag[API_ETAG_MAX + 1];

    print_revision(etag, revision);
    api_set_etag(request, etag);
}

static bool is_text(struct http_text text, const char *want)
{
    return text.n == strlen(want) && memcmp(text.bytes, want, text.n) == 0;
}

static bool is_etag(struct http_text text, const char *etag)
{
    char quoted[API_ETAG_MAX + 3];

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", etag); // it fits
    return is_text(text, quoted);
}

int api_check_etag(struct api_request *request, const char *etag, struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct http_text           match = http->fields[HTTP_IF_MATCH];
    bool                       is_for_new = is_text(http->fields[HTTP_IF_NONE_MATCH], "*");

    if (!match.bytes && !is_for_new) {
        (void)error_set(err, ERROR_INVALID, "say in If-Match which version it is to replace");
        return api_status(request, 428);
    }
    if (is_for_new && etag)
        return error_set(err, ERROR_CONFLICT, "there is one already");
    if (match.bytes && !etag)
        return error_set(err, ERROR_CONFLICT, "it has been removed in the meantime");
    if (match.bytes && !is_text(match, "*") && !is_etag(match, etag))
        return error_set(err, ERROR_CONFLICT,
                         "it has been changed in the meantime: look at it again");
    return 0;
}

int api_check_revision(struct api_request *request, int64_t revision, struct error *err)
{
    char etag[API_ETAG_MAX + 1];

    print_revision(etag, revision);
    return api_check_etag(request, etag, err);
}

// The text within the quotes. False: it is none, or one that was never given.
static bool read_etag(char ret[API_ETAG_MAX + 1], struct http_text text)
{
    if (text.n < 2 || text.n > API_ETAG_MAX + 2 || text.bytes[0] != '"' ||
        text.bytes[text.n - 1] != '"' || memchr(text.bytes + 1, '"', text.n - 2))
        return false;
    memcpy(ret, text.bytes + 1, text.n - 2);
    ret[text.n - 2] = '\0';
    return *ret;
}

int api_read_match(char ret[API_ETAG_MAX + 1], bool *ret_is_new, struct api_request *request,
                   struct error *err)
{
    const struct http_request *http = http_exchange_request(request->exchange);
    struct http_text           match = http->fields[HTTP_IF_MATCH];

    *ret = '\0';
    *ret_is_new = is_text(http->fields[HTTP_IF_NONE_MATCH], "*");
    if (!match.bytes && !*ret_is_new) {
        (void)error_set(err, ERROR_INVALID, "say in If-Match which version it is to replace");
        return api_status(request, 428);
    }
    if (is_text(match, "*"))
        (void)strcpy(ret, "*"); // it fits
    else if (match.bytes && !read_etag(ret, match))
        return error_set(err, ERROR_CONFLICT,
                         "it has been changed in the meantime: look at it again");
    return 0;
}

// ---- lists --------------------------------------------------------------------------------------

int api_page_begin_up_to(struct api_page *page, struct api_request *request, const char *name,
                         unsigned max, struct error *err)
{
    int64_t limit;

    if (api_query_number(&page->at, request, name, 1, INT64_MAX, 0, err) < 0 ||
        api_query_number(&limit, request, "limit", 1, max, MIN(max, API_LIST_MAX), err) < 0)
        return -1;
    page->limit = (unsigned)limit;
    page->rows = json_array();
    return page->rows ? 0 : error_set(err, ERROR_NO_SPACE, "there is no memory for the list");
}

int api_page_begin(struct api_page *page, struct api_request *request, const char *name,
                   struct error *err)
{
    return api_page_begin_up_to(page, request, name, API_LIST_MAX, err);
}

void api_page_done(struct api_page *page)
{
    json_decref(page->rows);
    page->rows = NULL;
}

// The loop stands still while a page is made: a hundred of the largest things there are would keep
// everybody waiting.
bool api_page_add(struct api_page *page, int64_t id, json_t *row)
{
    size_t n = json_array_size(page->rows);
    size_t n_bytes = row ? json_dumpb(row, NULL, 0, JSON_COMPACT | JSON_ENSURE_ASCII) : 0;

    page->has_more =
        n == page->limit || (n > 0 && page->n_bytes + n_bytes > (size_t)API_LIST_BYTES);
    if (page->has_more) {
        json_decref(row);
        return false;
    }
    (void)json_array_append_new(page->rows, row); // absent without memory
    page->n_bytes += n_bytes;
    page->at = id;
    return true;
}

int api_page_answer(struct api_page *page, struct api_request *request, const char *name,
                    struct error *err)
{
    json_t *next = page->has_more ? json_integer(page->at) : json_null();

    return api_answer(request, 200, json_pack("{s:o, s:o}", name, TAKE(page->rows), "next", next),
                      err);
}

// ---- people -------------------------------------------------------------------------------------

json_t *api_user_json(const struct user *user)
{
    return json_pack("{s:I, s:s, s:s, s:b, s:b, s:b, s:I, s:o}", "id", (json_int_t)user->id, "name",
                     user->name, "role", role_word(user->role), "active", (int)user->is_active,
                     "password", (int)user->has_password, "totp", (int)user->has_totp, "created",
                     (json_int_t)user->created_unix_s, "login",
                     user->login_unix_s ? json_integer(user->login_unix_s) : json_null());
}
