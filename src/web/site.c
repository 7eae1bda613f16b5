// SPDX-License-Identifier: MIT
#include "web/site.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "web/fields.h"
#include "web/static.h"

struct site {
    struct static_files *files;
};

int site_open(struct site **ret, struct web *web, const struct site_options *options,
              struct error *err)
{
    struct site *site = calloc(1, sizeof *site);

    (void)web;
    if (!site)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (static_open(&site->files, options->static_path, err) < 0) {
        site_close(site);
        return -1;
    }
    if (static_count_left_out(site->files) > 0)
        log_line(LEVEL_WARNING, "%zu files in '%s' are of a kind that is not served",
                 static_count_left_out(site->files), options->static_path);
    *ret = site;
    return 0;
}

struct site *site_close(struct site *site)
{
    if (!site)
        return NULL;
    site->files = static_close(site->files);
    free(site);
    return NULL;
}

// ---- the page ---------------------------------------------------------------------------------

static size_t page_begin(void *context, struct http_exchange *exchange)
{
    struct web *web = context;

    static_answer(web->site->files, exchange, web->is_secure);
    return 0;
}

static void page_run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    (void)context;
    (void)exchange;
    (void)body;
    (void)n;
}

static void page_over(void *context, struct http_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static const struct http_handler page_handler = { page_begin, page_run, page_over, NULL };

// ---- which it is ------------------------------------------------------------------------------

static const struct {
    const char                *path;
    const struct http_handler *handler;
} parts[] = {
    { "/api", &api_handler },
    { "", &page_handler },
};

// By the beginning of its path, as far as a slash or the end.
static const struct http_handler *choose(struct http_text path)
{
    for (size_t i = 0;; i++) {
        size_t n = strlen(parts[i].path);
        if (path.n >= n && memcmp(path.bytes, parts[i].path, n) == 0 &&
            (n == 0 || path.n == n || path.bytes[n] == '/'))
            return parts[i].handler;
    }
}

static const struct http_handler *handler_of(struct http_exchange *exchange)
{
    return *http_exchange_visit(exchange);
}

static size_t begin(void *context, struct http_exchange *exchange)
{
    const struct http_handler *handler = choose(http_exchange_request(exchange)->path);

    *http_exchange_visit(exchange) = (void *)(uintptr_t)handler;
    return handler->begin(context, exchange);
}

static void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    handler_of(exchange)->run(context, exchange, body, n);
}

static void over(void *context, struct http_exchange *exchange)
{
    handler_of(exchange)->over(context, exchange);
}

static void more(void *context, struct http_exchange *exchange)
{
    if (handler_of(exchange)->more)
        handler_of(exchange)->more(context, exchange);
}

const struct http_handler site_handler = { begin, run, over, more };
