// SPDX-License-Identifier: MIT
#include "web/static.h"

#include <string.h>
#include "web/fields.h"
#include "web/staticfile.h"

#define INDEX "index.html"

static const char not_installed[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta "
    "charset=\"utf-8\"><title>left4me</title></head>\n"
    "<body><h1>left4me</h1><p>The page is not installed on this machine. The API works: see\n"
    "<a href=\"/api/v1/health\">/api/v1/health</a>.</p></body></html>\n";

static const struct http_text *field_of(struct http_exchange *exchange, enum http_field field)
{
    return &http_exchange_request(exchange)->fields[field];
}

static void answer_file(const struct static_file *file, struct http_exchange *exchange,
                        bool is_secure)
{
    enum http_coding coding =
        http_choose_coding(*field_of(exchange, HTTP_ACCEPT_ENCODING), file->there);
    const struct static_body *body = &file->bodies[coding];

    fields_add(exchange, file->is_lasting ? FIELDS_ASSET : FIELDS_PAGE, is_secure);
    http_exchange_add(exchange, "ETag", body->tag);
    if (file->there != 1u << HTTP_PLAIN)
        http_exchange_add(exchange, "Vary", "Accept-Encoding");
    if (http_has_tag(*field_of(exchange, HTTP_IF_NONE_MATCH), body->tag)) {
        http_exchange_answer(exchange, 304, NULL, NULL, 0);
        return;
    }
    if (coding != HTTP_PLAIN)
        http_exchange_add(exchange, "Content-Encoding", http_coding_word(coding));
    http_exchange_answer_static(exchange, 200, file->type, body->bytes, body->n);
}

static void answer_error(struct http_exchange *exchange, bool is_secure, int status,
                         const char *kind, const char *message)
{
    fields_add(exchange, FIELDS_DATA, is_secure);
    fields_answer_error(exchange, status, kind, message);
}

// An asset of another version is not there: the page would be taken for a script.
static bool is_of_application(const char *path, struct http_exchange *exchange)
{
    return strncmp(path, STATIC_ASSETS, strlen(STATIC_ASSETS)) != 0 &&
           http_accepts_page(*field_of(exchange, HTTP_ACCEPT));
}

static void answer_path(const struct static_files *files, struct http_exchange *exchange,
                        const char *path, bool is_secure)
{
    const struct static_file *file = static_find(files, *path ? path : INDEX);

    if (!file && is_of_application(path, exchange))
        file = static_find(files, INDEX);
    if (file) {
        answer_file(file, exchange, is_secure);
    } else if (is_of_application(path, exchange)) {
        fields_add(exchange, FIELDS_PAGE, is_secure);
        http_exchange_answer_static(exchange, 404, "text/html; charset=utf-8", not_installed,
                                    sizeof not_installed - 1);
    } else {
        answer_error(exchange, is_secure, 404, "not-found", "there is nothing at this address");
    }
}

void static_answer(const struct static_files *files, struct http_exchange *exchange, bool is_secure)
{
    const struct http_request *request = http_exchange_request(exchange);
    char                       path[STATIC_PATH_MAX];

    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        http_exchange_add(exchange, "Allow", "GET, HEAD");
        answer_error(exchange, is_secure, 405, "invalid", "this cannot be done with it");
    } else if (http_path_decode(path, sizeof path, request->path) < 0) {
        answer_error(exchange, is_secure, 400, "invalid", "the address is not well-formed");
    } else {
        answer_path(files, exchange, path + 1, is_secure);
    }
}
