// SPDX-License-Identifier: MIT
#include "web/site.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "web/fields.h"
#include "web/hub.h"
#include "web/metrics.h"
#include "web/rate.h"
#include "web/static.h"
#include "web/visitlog.h"

struct site {
    struct static_files *files;
    struct visits        visits;
    struct visitlog     *log; // NULL: none
    struct rate         *rate;
    struct metrics       metrics;
};

int site_open(struct site **ret, struct web *web, const struct site_options *options,
              struct error *err)
{
    struct site *site = calloc(1, sizeof *site);

    if (!site)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    site->visits = (struct visits){ .proxies = options->proxies, .is_secure = web->is_secure };
    site->rate = rate_new(options->requests_s);
    if (!site->rate) {
        site_close(site);
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    }
    if (static_open(&site->files, options->static_path, err) < 0 ||
        (!options->is_quiet && visitlog_open(&site->log, web->event, STDERR_FILENO, err) < 0)) {
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
    site->log = visitlog_close(site->log);
    site->rate = rate_free(site->rate);
    free(site);
    return NULL;
}

// ---- the page, and the numbers ----------------------------------------------------------------

static size_t page_begin(void *context, struct http_exchange *exchange)
{
    struct web *web = context;

    static_answer(web->site->files, exchange, visit_of(exchange)->is_secure);
    return 0;
}

static size_t metrics_begin(void *context, struct http_exchange *exchange)
{
    struct web *web = context;

    fields_add(exchange, FIELDS_DATA, visit_of(exchange)->is_secure);
    metrics_answer(&web->site->metrics, web, exchange);
    return 0;
}

// Both have answered by now.
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

static const struct http_handler metrics_handler = { metrics_begin, page_run, page_over, NULL };
static const struct http_handler page_handler = { page_begin, page_run, page_over, NULL };

// ---- which it is ------------------------------------------------------------------------------

static const struct {
    const char                *path;
    const struct http_handler *handler;
} parts[] = {
    { "/api", &api_handler },
    { "/metrics", &metrics_handler },
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

// ---- who should come by https ------------------------------------------------------------------

static void redirect(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_text           host = request->fields[HTTP_HOST];
    char                       where[HTTP_TARGET_MAX + 300];

    (void)snprintf(where, sizeof where, "https://%.*s%.*s%s%.*s", (int)host.n, host.bytes,
                   (int)request->path.n, request->path.bytes, request->query.bytes ? "?" : "",
                   (int)request->query.n, request->query.bytes); // it fits
    http_exchange_add(exchange, "Location", where);
    fields_answer_error(exchange, 308, "denied", "this is reached by https alone");
}

// A secret that was sent without it has been seen already; but it is not made a habit.
static void send_away(struct http_exchange *exchange, const struct visit *visit)
{
    const struct http_request *request = http_exchange_request(exchange);
    bool is_reading = request->method == HTTP_GET || request->method == HTTP_HEAD;

    fields_add(exchange, FIELDS_DATA, false);
    if (is_reading && visit->handler == &page_handler && request->fields[HTTP_HOST].bytes)
        redirect(exchange);
    else
        fields_answer_error(exchange, 403, "denied", "this is reached by https alone");
}

// ---- who asks too much ------------------------------------------------------------------------

static bool is_too_much(struct web *web, const struct visit *visit)
{
    struct throttle_key key = throttle_of_address(web->throttle, &visit->client);

    return !rate_take(web->site->rate, key, visit->begun_us / 1000);
}

static void put_off(struct http_exchange *exchange, const struct visit *visit)
{
    fields_add(exchange, FIELDS_DATA, visit->is_secure);
    http_exchange_add(exchange, "Retry-After", "1");
    fields_answer_error(exchange, 429, "busy", "too many requests: try again in a second");
}

// ---- the handler ------------------------------------------------------------------------------

// Of the API who asked is known.
static const char *user_of(struct http_exchange *exchange, const struct visit *visit)
{
    const struct api_request *request =
        visit->handler == &api_handler ? *http_exchange_data(exchange) : NULL;

    return request ? request->user.name : "";
}

// Whoever has changed something may have ended what he listens with.
static void look_at_changes(struct web *web, struct http_exchange *exchange,
                            const struct visit *visit)
{
    const struct api_request *request =
        visit->handler == &api_handler ? *http_exchange_data(exchange) : NULL;

    if (!request || visit->method == HTTP_GET || visit->method == HTTP_HEAD)
        return;
    hub_look(web->hub);
    hub_look_user(web->hub, request->user.id);
}

static size_t begin(void *context, struct http_exchange *exchange)
{
    struct web   *web = context;
    struct visit *visit = visit_begin(exchange, &web->site->visits);

    if (!visit) {
        http_exchange_abort(exchange);
        return 0;
    }
    visit->handler = choose(http_exchange_request(exchange)->path);
    if (is_too_much(web, visit)) {
        put_off(exchange, visit);
        return 0;
    }
    if (visit->is_exposed) {
        send_away(exchange, visit);
        return 0;
    }
    return visit->handler->begin(context, exchange);
}

static void run(void *context, struct http_exchange *exchange, const char *body, size_t n)
{
    visit_of(exchange)->handler->run(context, exchange, body, n);
}

static void over(void *context, struct http_exchange *exchange)
{
    struct web   *web = context;
    struct visit *visit = visit_of(exchange);

    if (!visit)
        return;
    look_at_changes(web, exchange, visit);
    metrics_add(&web->site->metrics, visit, http_exchange_status(exchange),
                http_exchange_sent(exchange));
    if (web->site->log)
        visitlog_add(web->site->log, visit, http_exchange_status(exchange),
                     http_exchange_sent(exchange), user_of(exchange, visit));
    visit->handler->over(context, exchange);
    visit_end(visit);
}

static void more(void *context, struct http_exchange *exchange)
{
    const struct http_handler *handler = visit_of(exchange)->handler;

    if (handler->more)
        handler->more(context, exchange);
}

// Nobody knows what it would have been; but it has its line, and its name to ask for it by.
static void refused(void *context, struct http_exchange *exchange, int status)
{
    struct web   *web = context;
    struct visit *visit = visit_begin(exchange, &web->site->visits);

    fields_add(exchange, FIELDS_DATA, false);
    if (visit && web->site->log)
        visitlog_add(web->site->log, visit, status, 0, "");
    *http_exchange_visit(exchange) = visit_end(visit);
}

const struct http_handler site_handler = { begin, run, over, more, refused };
