// SPDX-License-Identifier: MIT
#include "http/crowd.h"
#include "http/holders.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "http/crew.h"

#define EVENTS_MAX  64
#define TICK_MAX_MS 1000u // how late a deadline may be

const struct http_limits http_limits_default = {
    .connections = 12000,
    .idle_ms = 60000,
    .head_ms = 10000,
    .body_ms = 20000,
    .body_bytes_s = 16384,
    .stall_ms = 30000,
    .drain_ms = 500,
    .stream_bytes = 262144,
    .bodies_bytes = 128u << 20,
    .holder_bytes = 32u << 20,
    .short_bytes = 65536,
    .outputs_bytes = 128u << 20,
    .of_address = 64,
};

uint64_t server_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // it is always there
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---- of one connection ------------------------------------------------------------------------

// A hangup is told whether it is asked for or not: nobody is watched who cannot act on it.
void server_watch(struct connection *connection, uint32_t events)
{
    connection->wanted = events;
    if (!connection->is_working)
        server_watch_now(connection);
}

void server_watch_now(struct connection *connection)
{
    uint32_t           events = connection->wanted;
    struct epoll_event wanted = { .events = events, .data.ptr = connection };
    int op = connection->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (events == connection->events)
        return;
    connection->events = events;
    if (epoll_ctl(connection->server->poll_fd, op, connection->fd, &wanted) < 0)
        connection->deadline_ms = 0; // short of memory: it ends
}

void server_set_deadline(struct connection *connection, unsigned ms)
{
    connection->deadline_ms = connection->server->now_ms + ms;
}

// One that was taken counts as long as its exchange.
void server_drop_body(struct connection *connection)
{
    connection->server->n_body_bytes -= connection->body_size;
    if (connection->held)
        *connection->held -= connection->body_size;
    connection->held = NULL;
    free(connection->body);
    connection->body = NULL;
    connection->body_n = connection->body_size = connection->body_max = 0;
}

static void unlink_connection(struct connection *connection)
{
    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
}

void server_link(struct connection *connection)
{
    struct connection *all = &connection->server->all;

    connection->prev = all->prev;
    connection->next = all;
    all->prev->next = connection;
    all->prev = connection;
}

void server_make_idle(struct connection *connection)
{
    server_set_deadline(connection, connection->server->limits->idle_ms);
    unlink_connection(connection);
    server_link(connection);
}

void server_listen(struct http_server *server, bool is_on)
{
    for (size_t i = 0; i < server->n_listeners; i++)
        (void)sd_event_source_set_enabled(server->listeners[i],
                                          is_on ? SD_EVENT_ON : SD_EVENT_OFF); // no way to fail
    server->is_full = !is_on;
}

void server_set_timer(struct http_server *server, unsigned ms)
{
    (void)sd_event_source_set_time_relative(server->timer, ms * 1000ull);
    (void)sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

unsigned server_tick_ms(const struct http_limits *limits)
{
    unsigned least =
        MIN(MIN(limits->idle_ms, limits->head_ms), MIN(limits->body_ms, limits->stall_ms));

    return MAX(MIN(least / 4, TICK_MAX_MS), 1u);
}

void server_settle_later(struct connection *connection)
{
    struct http_server *server = connection->server;

    if (connection->is_unsettled)
        return;
    connection->is_unsettled = true;
    connection->next_unsettled = server->unsettled;
    server->unsettled = connection;
    (void)sd_event_source_set_enabled(server->settler, SD_EVENT_ONESHOT); // no way to fail
}

// Those that want it again meanwhile have their turn in the next one. A connection is removed by
// its own settling alone, so that none goes that is still in the list.
static void settle_all(struct http_server *server)
{
    struct connection *connection = server->unsettled;

    server->unsettled = NULL;
    for (struct connection *next; connection; connection = next) {
        next = connection->next_unsettled;
        connection->is_unsettled = false;
        connection_settle(connection);
    }
}

static int settle(sd_event_source *source, void *context)
{
    struct http_server *server = context;

    (void)source;
    server->now_ms = server_now_ms();
    settle_all(server);
    if (server->n == 0 && server->is_draining && server->drained)
        server->drained(server->drained_context); // which may have closed the server
    return 0;
}

void server_end(struct connection *connection)
{
    struct http_server *server = connection->server;

    if (connection->is_unsettled) // it is settled now
        for (struct connection **c = &server->unsettled; *c; c = &(*c)->next_unsettled)
            if (*c == connection) {
                *c = connection->next_unsettled;
                break;
            }
    unlink_connection(connection);
    crowd_remove(server->crowd, connection);
    (void)fd_close(connection->fd);
    answer_free(connection);
    free(connection->in);
    server_drop_body(connection);
    free(connection);
    server->n--;
    if (server->is_full && !server->is_draining)
        server_listen(server, true);
    if (server->n == 0 && server->is_draining)
        (void)sd_event_source_set_enabled(server->settler, SD_EVENT_ONESHOT); // it tells of it
}

// ---- the loop ---------------------------------------------------------------------------------

static int poll_some(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct http_server *server = context;
    struct epoll_event  came[EVENTS_MAX];
    int                 n = epoll_wait(fd, came, EVENTS_MAX, 0);

    (void)source;
    (void)events;
    server->now_ms = server_now_ms();
    // Each is still there: whoever ends the connection of another one leaves it to the settler.
    for (int i = 0; i < n; i++)
        connection_turn(came[i].data.ptr, came[i].events);
    return 0;
}

// Closed, it would be told that what it has just asked was thrown away.
static bool has_asked(const struct connection *connection)
{
    char byte;

    return connection->state == CONNECTION_IDLE &&
           recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static int tick(sd_event_source *source, uint64_t usec, void *context)
{
    struct http_server *server = context;

    (void)source;
    (void)usec;
    server->now_ms = server_now_ms();
    for (struct connection *c = server->all.next, *next; c != &server->all; c = next) {
        next = c->next;
        if (c->deadline_ms <= server->now_ms && !(server->is_draining && has_asked(c)))
            connection_expire(c);
    }
    if (server->is_full && !server->is_draining)
        server_listen(server, true);
    if (server->n > 0)
        server_set_timer(server, server_tick_ms(server->limits));
    return 0;
}

static int add_listener(struct http_server *server, int fd, struct error *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return error_sys(err, errno, "setting up a listening socket");
    int r = sd_event_add_io(server->event, &server->listeners[server->n_listeners], fd, EPOLLIN,
                            server_accept, server);
    if (r < 0)
        return error_sys(err, -r, "watching a listening socket");
    server->n_listeners++;
    return 0;
}

static int set_up(struct http_server *server, const int *fds, size_t n_fds, struct error *err)
{
    int r;

    server->crowd = crowd_new();
    server->holders = holders_new();
    server->crew = crew_new();
    if (!server->crowd || !server->holders || !server->crew)
        return error_sys(err, ENOMEM, "making a server");
    server->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->poll_fd < 0)
        return error_sys(err, errno, "making an epoll descriptor");
    server->listeners = calloc(n_fds, sizeof(sd_event_source *));
    if (!server->listeners)
        return error_sys(err, ENOMEM, "making a server");
    r = sd_event_add_io(server->event, &server->poll_source, server->poll_fd, EPOLLIN, poll_some,
                        server);
    if (r >= 0)
        r = sd_event_add_time_relative(server->event, &server->timer, CLOCK_MONOTONIC, 0, 1000,
                                       tick, server);
    if (r >= 0)
        r = sd_event_add_defer(server->event, &server->settler, settle, server);
    if (r < 0)
        return error_sys(err, -r, "watching connections");
    (void)sd_event_source_set_enabled(server->timer, SD_EVENT_OFF); // they can be switched off
    (void)sd_event_source_set_enabled(server->settler, SD_EVENT_OFF);
    for (size_t i = 0; i < n_fds; i++)
        if (add_listener(server, fds[i], err) < 0)
            return -1;
    return 0;
}

int http_server_open(struct http_server **ret, sd_event *event, const int *fds, size_t n_fds,
                     const struct http_limits *limits, const struct http_handler *handler,
                     void *context, struct error *err)
{
    AUTO(http_server_closep) struct http_server *server = calloc(1, sizeof *server);

    if (!server)
        return error_sys(err, ENOMEM, "making a server");
    server->poll_fd = -1;
    server->event = sd_event_ref(event);
    server->limits = limits;
    server->handler = handler;
    server->context = context;
    server->all.next = server->all.prev = &server->all;
    server->outputs.max = limits->outputs_bytes;
    server->now_ms = server_now_ms();
    if (set_up(server, fds, n_fds, err) < 0)
        return -1;
    *ret = TAKE(server);
    return 0;
}

struct http_server *http_server_close(struct http_server *server)
{
    if (!server)
        return NULL;
    server->drained = NULL;
    server->is_draining = true;
    for (struct connection *c = server->all.next; c != &server->all; c = c->next)
        connection_end(c);
    settle_all(server);
    for (size_t i = 0; i < server->n_listeners; i++)
        (void)sd_event_source_disable_unref(server->listeners[i]);
    free(server->listeners);
    server->crowd = crowd_free(server->crowd);
    server->holders = holders_free(server->holders);
    server->crew = crew_free(server->crew);
    (void)sd_event_source_disable_unref(server->poll_source);
    (void)sd_event_source_disable_unref(server->timer);
    (void)sd_event_source_disable_unref(server->settler);
    (void)fd_close(server->poll_fd);
    (void)sd_event_unref(server->event);
    free(server);
    return NULL;
}

void http_server_closep(struct http_server **server)
{
    *server = http_server_close(*server);
}

void http_server_drain(struct http_server *server, void (*done)(void *context), void *context)
{
    server_listen(server, false);
    server->is_draining = true;
    server->drained = done;
    server->drained_context = context;
    server->now_ms = server_now_ms();
    for (struct connection *c = server->all.next; c != &server->all; c = c->next) {
        c->is_last = true;
        if (c->state == CONNECTION_IDLE)
            c->deadline_ms = MIN(c->deadline_ms, server->now_ms + server->limits->drain_ms);
    }
    server_set_timer(server, server->limits->drain_ms);
    if (server->n == 0 && done)
        done(context);
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->n;
}

// ---- of an exchange ---------------------------------------------------------------------------

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

const struct sockaddr *http_exchange_peer(const struct http_exchange *exchange)
{
    const char *connection = (const char *)exchange - offsetof(struct connection, exchange);

    return &((const struct connection *)(const void *)connection)->peer.any;
}

void **http_exchange_data(struct http_exchange *exchange)
{
    return &exchange->data;
}

void **http_exchange_visit(struct http_exchange *exchange)
{
    return &exchange->visit;
}

int http_exchange_status(const struct http_exchange *exchange)
{
    return exchange->status;
}

uint64_t http_exchange_sent(const struct http_exchange *exchange)
{
    return exchange->n_sent;
}
