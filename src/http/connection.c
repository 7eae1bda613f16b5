// SPDX-License-Identifier: MIT
#include "http/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/macros.h"

#define LINGER_MS    2000u
#define LINGER_BYTES 65536u // that are thrown away of what a client still sends
#define BODY_STEP    4096u
#define TURN_MAX     16u // requests that are taken before it is the turn of others

// ---- the end ----------------------------------------------------------------------------------

static void end_exchange(struct connection *connection)
{
    struct http_server *server = connection->server;

    if (!connection->exchange.is_begun)
        return;
    connection->exchange.is_begun = false;
    server->handler->over(server->context, &connection->exchange);
}

static void settle_later(struct connection *connection)
{
    if (!connection->is_working)
        server_settle_later(connection);
}

void connection_end(struct connection *connection)
{
    if (connection->state == CONNECTION_GONE)
        return;
    connection->state = CONNECTION_GONE;
    server_watch(connection, 0);
    settle_later(connection);
}

void connection_answered(struct connection *connection)
{
    connection->state = CONNECTION_ANSWERED;
    server_watch(connection, 0);
    settle_later(connection);
}

static void free_input(struct connection *connection)
{
    free(connection->in);
    connection->in = NULL;
    connection->in_at = connection->in_n = connection->in_size = 0;
}

// What a request has borrowed from it would be lost: not within an exchange.
static bool input_reserve(struct connection *connection, size_t size)
{
    char *in = realloc(connection->in, size);

    if (!in)
        return false;
    connection->in = in;
    connection->in_size = size;
    return true;
}

// Were it closed while the client still writes, the kernel would take the answer back.
static void linger(struct connection *connection)
{
    free_input(connection);
    connection->state = CONNECTION_LINGERING;
    connection->body_left = LINGER_BYTES;
    (void)shutdown(connection->fd, SHUT_WR); // it is gone already, or hears of it
    server_set_deadline(connection, LINGER_MS);
    server_watch(connection, EPOLLIN);
}

// Ready for the next request, which may be there already.
static void next_exchange(struct connection *connection)
{
    end_exchange(connection);
    server_drop_body(connection);
    answer_free(connection);
    connection->exchange = (struct http_exchange){ .fields.pool = &connection->server->outputs };
    connection->in_seen = 0;
    if (connection->is_last || connection->server->is_draining) {
        linger(connection);
        return;
    }
    if (connection->in_at < connection->in_n) {
        memmove(connection->in, connection->in + connection->in_at,
                connection->in_n - connection->in_at);
        connection->in_n -= connection->in_at;
        connection->in_at = 0;
        connection->state = CONNECTION_HEAD;
        server_set_deadline(connection, connection->server->limits->head_ms);
    } else {
        free_input(connection);
        connection->state = CONNECTION_IDLE;
        server_make_idle(connection);
    }
    server_watch(connection, EPOLLIN);
}

// ---- bodies -----------------------------------------------------------------------------------

// Whoever sends large ones, as slowly as he may, leaves room for those of others that are short, as
// what somebody logs in with.
static size_t bodies_room(const struct connection *connection)
{
    const struct http_server *server = connection->server;
    size_t                    max = server->limits->bodies_bytes;

    if (connection->body_max > server->limits->short_bytes)
        max -= max / 4;
    return max > server->n_body_bytes ? max - server->n_body_bytes : 0;
}

// Nor does one who sends many at once take the room of all; and for what he does meanwhile that is
// short there is some more.
static bool is_his_share(const struct connection *connection, size_t n_more)
{
    const struct http_limits *limits = connection->server->limits;
    size_t                    max = limits->holder_bytes;

    if (connection->body_max <= limits->short_bytes)
        max += max / 4;
    return !connection->held || !max ||
           (*connection->held <= max && n_more <= max - *connection->held);
}

static bool body_reserve(struct connection *connection, size_t n)
{
    if (connection->body_size - connection->body_n >= n)
        return true;
    // Not what was announced, but what has come; and of what doubles not more than there may be.
    struct http_server *server = connection->server;
    size_t size = MAX(MAX(connection->body_size * 2, connection->body_n + n), BODY_STEP);
    size = MIN(size, MAX(connection->body_max, connection->body_n + n));
    size_t n_more = size - connection->body_size;
    if (n_more > bodies_room(connection) || !is_his_share(connection, n_more))
        return false;
    char *body = realloc(connection->body, size);
    if (!body)
        return false;
    server->n_body_bytes += n_more;
    if (connection->held)
        *connection->held += n_more;
    connection->body = body;
    connection->body_size = size;
    return true;
}

// False: it is refused.
static bool body_add(struct connection *connection, const char *bytes, size_t n)
{
    static const struct http_refusal too_large = { 413, "the body of the request is too large" };
    static const struct http_refusal no_memory = {
        503, "there is no room for it right now: try again soon"
    };

    if (n > connection->body_max - connection->body_n)
        answer_refuse(connection, &too_large);
    else if (!body_reserve(connection, n))
        answer_refuse(connection, &no_memory);
    else {
        memcpy(connection->body + connection->body_n, bytes, n);
        connection->body_n += n;
        return true;
    }
    return false;
}

// What is there of a chunked body. 1: all, 0: more is to come, or it was refused.
static int take_chunks(struct connection *connection)
{
    static const struct http_refusal malformed = { 400, "the chunks of the body are malformed" };
    int                              r = 0;

    while (r == 0 && connection->in_at < connection->in_n) {
        const char *bytes = connection->in + connection->in_at;
        size_t      at, n, used;
        r = http_chunks_take(&connection->chunks, bytes, connection->in_n - connection->in_at, &at,
                             &n, &used);
        if (r < 0) {
            answer_refuse(connection, &malformed);
            return 0;
        }
        connection->in_at += used;
        if (n > 0 && !body_add(connection, bytes + at, n))
            return 0;
    }
    return r;
}

static int take_plain(struct connection *connection)
{
    size_t n = (size_t)MIN(connection->body_left, (uint64_t)(connection->in_n - connection->in_at));

    if (n > 0 && !body_add(connection, connection->in + connection->in_at, n))
        return 0;
    connection->in_at += n;
    connection->body_left -= n;
    return connection->body_left == 0;
}

static void run(struct connection *connection)
{
    struct http_server *server = connection->server;

    connection->state = CONNECTION_RUNNING;
    connection->deadline_ms = UINT64_MAX; // it is the handler's time
    server_watch(connection, EPOLLRDHUP);
    server->handler->run(server->context, &connection->exchange, connection->body,
                         connection->body_n);
}

static void take_body(struct connection *connection)
{
    bool is_chunked = connection->exchange.request.is_chunked;
    int  r = is_chunked ? take_chunks(connection) : take_plain(connection);

    if (r > 0)
        run(connection);
    else if (connection->state == CONNECTION_BODY) // the next bytes come behind the head
        connection->in_at = connection->in_n = connection->exchange.request.n_bytes;
}

// ---- heads ------------------------------------------------------------------------------------

static void begin_body(struct connection *connection)
{
    static const struct http_refusal too_large = { 413, "the body of the request is too large" };
    const struct http_request       *request = &connection->exchange.request;
    const struct http_limits        *limits = connection->server->limits;

    if (request->content_length > connection->body_max) {
        answer_refuse(connection, &too_large);
        return;
    }
    uint64_t largest = request->is_chunked ? connection->body_max : request->content_length;
    uint64_t ms = limits->body_ms + largest * 1000 / limits->body_bytes_s;
    server_set_deadline(connection, (unsigned)MIN(ms, (uint64_t)UINT32_MAX));
    connection->body_left = request->content_length;
    connection->chunks = (struct http_chunks){ 0 };
    if (request->expects_continue && connection->in_at == connection->in_n)
        answer_continue(connection);
    take_body(connection);
}

static void begin_exchange(struct connection *connection)
{
    struct http_server  *server = connection->server;
    struct http_request *request = &connection->exchange.request;

    connection->in_at = request->n_bytes;
    connection->is_last = !request->is_keep_alive || server->is_draining;
    connection->state = request->has_body ? CONNECTION_BODY : CONNECTION_RUNNING;
    connection->exchange.is_begun = true;
    connection->body_max = server->handler->begin(server->context, &connection->exchange);
    if (connection->exchange.is_answered || connection->state == CONNECTION_GONE)
        return;
    if (request->has_body)
        begin_body(connection);
    else
        run(connection);
}

// Nothing ends but by a line: a head that comes byte by byte is not read from its beginning each
// time.
static bool has_new_line(struct connection *connection)
{
    size_t seen = connection->in_seen;

    connection->in_seen = connection->in_n;
    return connection->in_n >= HTTP_REQUEST_MAX ||
           memchr(connection->in + seen, '\n', connection->in_n - seen);
}

// One request of those that may be waiting. False: there is not a whole one.
static bool take_request(struct connection *connection)
{
    struct http_request request;
    struct http_refusal refusal;

    if (!has_new_line(connection))
        return false;
    int r = http_request_parse(&request, &refusal, connection->in, connection->in_n);
    if (r == 0)
        return false;
    if (r < 0) {
        connection->state = CONNECTION_BODY; // of which nobody knows the end
        answer_refuse(connection, &refusal);
        return true;
    }
    // The body comes behind the head, which stays where it is then.
    size_t size = request.n_bytes + BODY_ROOM;
    if (request.has_body && connection->in_size < size) {
        if (!input_reserve(connection, size))
            connection_end(connection);
        else
            (void)http_request_parse(&request, &refusal, connection->in, connection->in_n);
    }
    if (connection->state == CONNECTION_GONE)
        return false;
    connection->exchange.request = request;
    begin_exchange(connection);
    return true;
}

// ---- reading ----------------------------------------------------------------------------------

static int read_some(struct connection *connection)
{
    if (connection->in_n == connection->in_size &&
        !input_reserve(connection, MIN(MAX(connection->in_size * 2, IN_BYTES_MIN), IN_BYTES_MAX)))
        return -1;
    ssize_t n = recv(connection->fd, connection->in + connection->in_n,
                     connection->in_size - connection->in_n, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    connection->in_n += (size_t)n;
    return 1;
}

static void throw_away(struct connection *connection)
{
    char    bytes[4096];
    ssize_t n = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0 && (uint64_t)n < connection->body_left)
        connection->body_left -= (uint64_t)n;
    else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
        connection_end(connection);
}

static void read_more(struct connection *connection)
{
    int r = read_some(connection);

    if (r < 0) {
        connection_end(connection);
        return;
    }
    if (r == 0)
        return;
    if (connection->state == CONNECTION_BODY) {
        take_body(connection);
    } else if (connection->state == CONNECTION_IDLE) {
        connection->state = CONNECTION_HEAD;
        server_set_deadline(connection, connection->server->limits->head_ms);
    }
}

static void stream_more(struct connection *connection)
{
    struct http_server *server = connection->server;

    answer_rest(connection);
    server_watch(connection, EPOLLRDHUP);
    if (server->handler->more)
        server->handler->more(server->context, &connection->exchange);
}

static void write_more(struct connection *connection)
{
    int r = answer_write(connection);

    if (r < 0) {
        connection_end(connection);
    } else if (r > 0 && connection->state == CONNECTION_STREAMING && !connection->is_ending) {
        stream_more(connection);
    } else if (r > 0) {
        connection_answered(connection);
    }
}

static void turn(struct connection *connection, uint32_t events)
{
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        read_more(connection);
        break;
    case CONNECTION_LINGERING:
        throw_away(connection);
        break;
    case CONNECTION_RUNNING:
        // Whoever asks and then only reads is served, whoever is gone is not.
        if (events & (EPOLLHUP | EPOLLERR))
            connection_end(connection);
        else
            server_watch(connection, 0);
        break;
    case CONNECTION_STREAMING:
        if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
            connection_end(connection);
        else
            write_more(connection);
        break;
    case CONNECTION_ANSWERING:
        if (events & (EPOLLHUP | EPOLLERR))
            connection_end(connection);
        else
            write_more(connection);
        break;
    case CONNECTION_ANSWERED:
    case CONNECTION_GONE:
        break;
    }
}

// The requests that are there and can be answered at once; of many, the first.
void connection_settle(struct connection *connection)
{
    unsigned n = 0;
    bool     goes_on = true;

    connection->is_working = true;
    while (goes_on)
        if (connection->state == CONNECTION_ANSWERED)
            next_exchange(connection);
        else
            goes_on = connection->state == CONNECTION_HEAD && n < TURN_MAX &&
                      take_request(connection) && ++n;
    connection->is_working = false;
    server_watch_now(connection);
    if (n == TURN_MAX && connection->state == CONNECTION_HEAD)
        server_settle_later(connection);
    if (connection->state == CONNECTION_GONE) {
        end_exchange(connection);
        server_end(connection);
    }
}

void connection_turn(struct connection *connection, uint32_t events)
{
    connection->is_working = true;
    turn(connection, events);
    connection_settle(connection);
}

// The kernel would keep what it has of the answer for one who does not take it.
static void throw_away_answer(const struct connection *connection)
{
    const struct linger at_once = { .l_onoff = 1 };

    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); // or later
}

void connection_expire(struct connection *connection)
{
    static const struct http_refusal too_slow = { 408, "the request took too long to come" };

    connection->is_working = true;
    if (connection->state == CONNECTION_HEAD || connection->state == CONNECTION_BODY) {
        connection->state = CONNECTION_BODY; // there is more of it to come
        answer_refuse(connection, &too_slow);
    } else {
        if (output_pending(&connection->out) > 0)
            throw_away_answer(connection);
        connection_end(connection);
    }
    connection_settle(connection);
}
