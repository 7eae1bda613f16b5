// SPDX-License-Identifier: MIT
#include "http/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include "base/macros.h"
#include "http/holders.h"

#define PARTS_MAX  16    // that are given to the kernel at once
#define KEPT_BYTES 4096u // of room for the next answer

static const struct {
    int         status;
    const char *words;
} statuses[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 422, "Unprocessable Content" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

static const char *status_words(int status)
{
    for (size_t i = 0; i < ELEMENTS(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].words;
    return "Status"; // the words mean nothing to anybody
}

// ---- writing ----------------------------------------------------------------------------------

void answer_free(struct connection *connection)
{
    output_done(&connection->out);
    output_done(&connection->exchange.fields);
}

// A stream is written to now and then, for days: it keeps nothing in between.
static void free_what_is_sent(struct connection *connection)
{
    struct output *out = &connection->out;

    if (out->size > KEPT_BYTES || out->pieces || connection->state == CONNECTION_STREAMING)
        output_done(out);
}

int answer_write(struct connection *connection)
{
    struct output *out = &connection->out;

    while (output_pending(out) > 0) {
        struct iovec  parts[PARTS_MAX];
        struct msghdr message = { .msg_iov = parts,
                                  .msg_iovlen = (size_t)output_vectors(out, parts, PARTS_MAX) };
        ssize_t       n = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
        output_skip(out, (size_t)n);
        connection->exchange.n_sent += (uint64_t)n;
        server_set_deadline(connection, connection->server->limits->stall_ms);
        connection->deadline_ms = MIN(connection->deadline_ms, connection->answer_end_ms);
    }
    free_what_is_sent(connection);
    return 1;
}

// ---- heads ------------------------------------------------------------------------------------

static const char *date(struct http_server *server)
{
    time_t    now = time(NULL);
    struct tm tm;

    if ((uint64_t)now != server->date_s && gmtime_r(&now, &tm)) {
        (void)strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        server->date_s = (uint64_t)now;
    }
    return server->date;
}

static bool has_body(const struct connection *connection, int status)
{
    return connection->exchange.request.method != HTTP_HEAD && status != 204 && status != 304;
}

// `length` is SIZE_MAX of a stream.
static bool add_head(struct connection *connection, int status, const char *type, size_t length)
{
    struct output              *out = &connection->out;
    const struct http_exchange *exchange = &connection->exchange;
    bool                        is_stream = length == SIZE_MAX;
    bool                        has_length = !is_stream && status != 204 && status != 304;

    return output_print(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, status_words(status),
                        date(connection->server)) &&
           (!type || output_print(out, "Content-Type: %s\r\n", type)) &&
           (!has_length || output_print(out, "Content-Length: %zu\r\n", length)) &&
           (!connection->is_chunking || output_print(out, "Transfer-Encoding: chunked\r\n")) &&
           (!connection->is_last || output_print(out, "Connection: close\r\n")) &&
           (connection->is_last || !exchange->request.is_http_1_0 ||
            output_print(out, "Connection: keep-alive\r\n")) &&
           output_add(out, exchange->fields.bytes, exchange->fields.n) &&
           output_add(out, "\r\n", 2);
}

// What follows is not done here, but when it is the connection's turn.
static void send_now(struct connection *connection)
{
    int r = answer_write(connection);

    if (r < 0)
        connection_end(connection);
    else if (r > 0)
        connection_answered(connection);
    else
        server_watch(connection, EPOLLOUT);
}

// ---- what the handler says ---------------------------------------------------------------------

struct connection *connection_of(struct http_exchange *exchange)
{
    return (struct connection *)((char *)exchange - offsetof(struct connection, exchange));
}

void http_exchange_set_holder(struct http_exchange *exchange, uint64_t holder)
{
    struct connection *connection = connection_of(exchange);

    assert(connection->body_size == 0);
    connection->held = holders_find(connection->server->holders, holder);
}

char *http_exchange_take_body(struct http_exchange *exchange)
{
    return TAKE(connection_of(exchange)->body);
}

static bool is_clean(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

void http_exchange_add(struct http_exchange *exchange, const char *name, const char *value)
{
    struct output *fields = &exchange->fields;

    assert(is_clean(name) && is_clean(value) && !exchange->is_answered);
    if (!output_add(fields, name, strlen(name)) || !output_add(fields, ": ", 2) ||
        !output_add(fields, value, strlen(value)) || !output_add(fields, "\r\n", 2))
        connection_of(exchange)->is_last = true; // it will not come far without memory
}

void http_exchange_add_lines(struct http_exchange *exchange, const char *lines)
{
    assert(!exchange->is_answered);
    if (!output_add(&exchange->fields, lines, strlen(lines)))
        connection_of(exchange)->is_last = true; // as above
}

// Who takes a byte now and then would otherwise be served for ever.
static void set_answer_end(struct connection *connection)
{
    const struct http_limits *limits = connection->server->limits;
    uint64_t                  n = output_pending(&connection->out);

    connection->answer_end_ms =
        connection->server->now_ms + limits->stall_ms + n * 1000 / limits->body_bytes_s;
}

static bool begin_answer(struct connection *connection, int status)
{
    if (connection->state == CONNECTION_GONE)
        return false;
    assert(!connection->exchange.is_answered);
    connection->exchange.is_answered = true;
    connection->exchange.status = status;
    // What is not read of the body would be taken for the next request.
    if (connection->state == CONNECTION_BODY)
        connection->is_last = true;
    server_set_deadline(connection, connection->server->limits->stall_ms);
    connection->answer_end_ms = UINT64_MAX; // of a stream
    return true;
}

// What is not copied is a piece: of `of`, or of what stays where it is.
static void answer(struct http_exchange *exchange, int status, const char *type, const void *body,
                   size_t n, bool is_copied, struct http_bytes *of)
{
    struct connection *connection = connection_of(exchange);
    bool               is_sent = has_body(connection, status);

    if (!begin_answer(connection, status))
        return;
    bool is_kept = add_head(connection, status, type, n);
    if (is_kept && is_sent)
        is_kept = is_copied ? output_add(&connection->out, body, n)
                            : output_add_piece(&connection->out, body, n, of);
    connection->state = CONNECTION_ANSWERING;
    set_answer_end(connection);
    if (is_kept)
        send_now(connection);
    else
        connection_end(connection);
}

void http_exchange_answer(struct http_exchange *exchange, int status, const char *type,
                          const void *body, size_t n)
{
    answer(exchange, status, type, body, n, true, NULL);
}

void http_exchange_answer_static(struct http_exchange *exchange, int status, const char *type,
                                 const void *body, size_t n)
{
    answer(exchange, status, type, body, n, false, NULL);
}

void http_exchange_answer_bytes(struct http_exchange *exchange, int status, const char *type,
                                struct http_bytes *bytes)
{
    answer(exchange, status, type, http_bytes_at(bytes), bytes->n, false, bytes);
}

// One sentence, for a person who looks at what his program sent.
void answer_refuse(struct connection *connection, const struct http_refusal *refusal)
{
    char text[256];
    int  n = snprintf(text, sizeof text,
                      "{\"error\":{\"kind\":\"invalid\",\"message\":\"%s\",\"field\":null}}\n",
                      refusal->reason);

    assert(n > 0 && (size_t)n < sizeof text);
    connection->is_last = true;
    const struct http_server *server = connection->server;
    if (!connection->exchange.is_begun && server->handler->refused)
        server->handler->refused(server->context, &connection->exchange, refusal->status);
    http_exchange_answer(&connection->exchange, refusal->status, "application/json", text,
                         (size_t)n);
}

// Before the answer; if it cannot be said at once it is not said: clients wait for it a second or
// so. Half of it would be taken for the beginning of the answer.
void answer_continue(struct connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    ssize_t n = send(connection->fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0 && (size_t)n < sizeof text - 1)
        connection_end(connection);
}

// ---- streams ----------------------------------------------------------------------------------

// Whoever has read all has all the time; but who asked for the head alone has it.
void answer_rest(struct connection *connection)
{
    if (connection->exchange.request.method != HTTP_HEAD)
        connection->deadline_ms = UINT64_MAX;
}

// `r` as of answer_write().
static void watch_stream(struct connection *connection, int r)
{
    if (r < 0) {
        connection_end(connection);
        return;
    }
    if (r > 0)
        answer_rest(connection);
    server_watch(connection, EPOLLRDHUP | (r == 0 ? EPOLLOUT : 0u));
}

void http_exchange_stream(struct http_exchange *exchange, const char *type)
{
    struct connection *connection = connection_of(exchange);

    if (!begin_answer(connection, 200))
        return;
    connection->is_chunking = !exchange->request.is_http_1_0;
    connection->is_last = true;
    bool is_kept = add_head(connection, 200, type, SIZE_MAX);
    connection->state = CONNECTION_STREAMING;
    // Many may listen for days.
    free(connection->in);
    connection->in = NULL;
    connection->in_at = connection->in_n = connection->in_size = 0;
    exchange->request.path = exchange->request.query = (struct http_text){ 0 };
    memset(exchange->request.fields, 0, sizeof exchange->request.fields);
    output_done(&exchange->fields);
    int r = is_kept ? answer_write(connection) : -1;
    watch_stream(connection, r);
}

size_t answer_bytes(const struct connection *connection, struct http_bytes *bytes, const char **ret)
{
    *ret = connection->is_chunking ? bytes->bytes : http_bytes_at(bytes);
    return connection->is_chunking ? bytes->n_head + bytes->n + 2 : bytes->n;
}

static bool add_bytes(struct connection *connection, struct http_bytes *bytes)
{
    const char *text;
    size_t      n = answer_bytes(connection, bytes, &text);

    return output_add_piece(&connection->out, text, n, bytes);
}

bool answer_keep(struct connection *connection, struct http_bytes *bytes, size_t n_sent)
{
    server_set_deadline(connection, connection->server->limits->stall_ms);
    if (!add_bytes(connection, bytes)) {
        connection_end(connection);
        return false;
    }
    output_skip(&connection->out, n_sent);
    connection->exchange.n_sent += n_sent;
    watch_stream(connection, 0);
    return true;
}

static bool is_behind(const struct connection *connection, size_t n)
{
    size_t n_pending = output_pending(&connection->out);

    return n_pending > 0 && n_pending + n > connection->server->limits->stream_bytes;
}

bool http_exchange_write_bytes(struct http_exchange *exchange, struct http_bytes *bytes)
{
    struct connection *connection = connection_of(exchange);
    bool               was_behind = output_pending(&connection->out) > 0;

    if (connection->state == CONNECTION_GONE)
        return false;
    assert(connection->state == CONNECTION_STREAMING && !connection->is_ending);
    if (exchange->request.method == HTTP_HEAD || bytes->n == 0)
        return true;
    if (is_behind(connection, bytes->n))
        return false;
    if (!was_behind)
        server_set_deadline(connection, connection->server->limits->stall_ms);
    if (!add_bytes(connection, bytes)) {
        connection_end(connection);
        return false;
    }
    if (was_behind)
        return true; // its turn comes
    int r = answer_write(connection);
    watch_stream(connection, r);
    return r >= 0;
}

bool http_exchange_write(struct http_exchange *exchange, const void *bytes, size_t n)
{
    struct connection *connection = connection_of(exchange);

    if (connection->state == CONNECTION_GONE || is_behind(connection, n))
        return false;
    AUTO(http_bytes_unrefp) struct http_bytes *copy = http_bytes_new(connection->server, n);
    if (copy) {
        memcpy(http_bytes_at(copy), bytes, n);
        return http_exchange_write_bytes(exchange, copy);
    }
    if (output_pending(&connection->out) == 0) // nobody would tell it that it can take more
        connection_end(connection);
    return false;
}

size_t http_exchange_pending(const struct http_exchange *exchange)
{
    return output_pending(&connection_of((struct http_exchange *)(uintptr_t)exchange)->out);
}

void http_exchange_end(struct http_exchange *exchange)
{
    static const char  last_chunk[] = "0\r\n\r\n";
    struct connection *connection = connection_of(exchange);

    if (connection->state == CONNECTION_GONE)
        return;
    assert(connection->state == CONNECTION_STREAMING && !connection->is_ending);
    connection->is_ending = true;
    server_set_deadline(connection, connection->server->limits->stall_ms);
    set_answer_end(connection);
    if (connection->is_chunking && exchange->request.method != HTTP_HEAD &&
        !output_add_piece(&connection->out, last_chunk, sizeof last_chunk - 1, NULL))
        connection_end(connection);
    else
        send_now(connection);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    connection_end(connection_of(exchange));
}
