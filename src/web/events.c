// SPDX-License-Identifier: MIT

// events: the request by which somebody begins to listen to the stream of events.

#include <string.h>
#include "web/hubparts.h"
#include "web/visit.h"

#define TYPE     "text/event-stream"
#define RETRY_MS 500u // until a browser comes again; not all of them at once

static void leave(struct api_request *request)
{
    hub_leave(request->work);
}

static void more(struct api_request *request)
{
    reader_pump(request->work);
}

// What a browser says when it comes again counts for more than the address, which stays the same.
static int read_heard(struct heard *ret, struct api_request *request, const struct topics *topics,
                      struct error *err)
{
    struct http_text field = http_exchange_request(request->exchange)->fields[HTTP_LAST_EVENT_ID];
    char             text[HEARD_TEXT_MAX] = "";

    *ret = (struct heard){ .change = -1 };
    if (field.n >= sizeof text)
        return error_set(err, ERROR_INVALID, "Last-Event-ID is too long");
    if (field.n > 0)
        memcpy(text, field.bytes, field.n);
    else if (api_query_text(text, sizeof text, request, "last", err) < 0)
        return -1;
    if (*text && heard_parse(ret, topics, text, err) < 0)
        return api_about(request, "last");
    return 0;
}

static int read_topics(struct topics *ret, struct api_request *request, struct error *err)
{
    char text[TOPICS_TEXT_MAX];

    if (api_query_text(text, sizeof text, request, "topics", err) < 0)
        return -1;
    return topics_parse(ret, text, err) < 0 ? api_about(request, "topics") : 0;
}

static void begin(struct reader *reader, const struct heard *heard)
{
    struct api_request *request = reader->request;
    struct hub         *hub = reader->channel->hub;
    unsigned            ms = RETRY_MS + reader->beat * RETRY_MS / HUB_BEAT_S;

    visit_of(request->exchange)->is_stream = true;
    http_exchange_add(request->exchange, "X-Accel-Buffering", "no"); // nginx keeps nothing back
    http_exchange_stream(request->exchange, TYPE);
    text_begin(&hub->text);
    text_retry(&hub->text, ms);
    (void)http_exchange_write(request->exchange, hub->text.bytes, hub->text.n); // the first bytes
    reader->spot.heard = *heard;
    reader_start(reader);
}

static int events_run(struct api_request *request, struct error *err)
{
    struct hub    *hub = request->web->hub;
    struct topics  topics;
    struct heard   heard;
    struct reader *reader;
    int64_t        n_lines = 0;

    if (read_topics(&topics, request, err) < 0 || read_heard(&heard, request, &topics, err) < 0 ||
        api_query_number(&n_lines, request, "lines", 0, HUB_LINES_MAX, 0, err) < 0 ||
        topics_check(&topics, request->web, &request->user, err) < 0)
        return -1;
    if (hub->is_closed)
        return error_set(err, ERROR_UNAVAILABLE, "it is about to be started again: come again");
    if (http_exchange_request(request->exchange)->method == HTTP_HEAD) {
        http_exchange_stream(request->exchange, TYPE);
        http_exchange_end(request->exchange);
        return 0;
    }
    if (hub_join(&reader, hub, request, &topics, err) < 0)
        return -1;
    request->work = reader;
    request->forget = leave;
    request->more = more;
    reader->n_lines = (unsigned)n_lines;
    begin(reader, &heard);
    return 0;
}

static const struct route routes[] = {
    { HTTP_GET, "/events", API_USER, TOKEN_READ, events_run },
};

const struct route_table event_routes = { routes, ELEMENTS(routes) };
