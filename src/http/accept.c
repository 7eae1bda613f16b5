// SPDX-License-Identifier: MIT
#include "http/crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include "base/fd.h"
#include "base/macros.h"

#define ACCEPTS_MAX   32   // in one turn: those who are served have theirs as well
#define FD_RESERVE_MS 100u // before it is tried again to accept, short of descriptors

// ---- who makes room ---------------------------------------------------------------------------

// Of how little use one is to its client: of two the one with more of it goes first.
static int uselessness(const struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_LINGERING:
        return 3;
    case CONNECTION_IDLE:
        return 2;
    case CONNECTION_HEAD: // whoever means it sends it at once
        return 1;
    case CONNECTION_BODY:
    case CONNECTION_RUNNING:
    case CONNECTION_ANSWERING:
    case CONNECTION_STREAMING:
    case CONNECTION_ANSWERED:
    case CONNECTION_GONE:
        return 0;
    }
    return 0;
}

// Of those that are alike the one whose time is over first.
bool connection_goes_before(const struct connection *one, const struct connection *other)
{
    int first = uselessness(one), second = other ? uselessness(other) : 0;

    return first > second ||
           (first > 0 && first == second && one->deadline_ms < other->deadline_ms);
}

// For one who is known to be waiting.
static bool make_room(struct http_server *server)
{
    struct connection *found = NULL;

    for (struct connection *c = server->all.next; c != &server->all; c = c->next)
        if (connection_goes_before(c, found))
            found = c;
    if (!found)
        return false;
    connection_end(found);
    connection_settle(found);
    return true;
}

// ---- accepting --------------------------------------------------------------------------------

static bool is_counted(const struct http_server *server, const struct http_address *address)
{
    const struct http_limits *limits = server->limits;

    return limits->of_address > 0 &&
           !(limits->proxies && http_proxies_have(limits->proxies, address));
}

// Of whoever has as many as he may have, one that is of no use to him goes, or the new one.
static bool is_welcome(struct http_server *server, const struct http_address *address)
{
    struct connection *other;

    if (crowd_has_room(server->crowd, address, server->limits->of_address, &other))
        return true;
    if (!other)
        return false;
    connection_end(other);
    connection_settle(other);
    return true;
}

static void add_connection(struct http_server *server, int fd, const struct sockaddr *peer,
                           socklen_t n_peer)
{
    const int           on = 1;
    struct connection  *connection = NULL;
    struct http_address address;

    http_address_of(&address, peer);
    bool is_one_more = is_counted(server, &address);
    if (!is_one_more || is_welcome(server, &address))
        connection = calloc(1, sizeof *connection);
    if (!connection) {
        (void)fd_close(fd);
        return;
    }
    if (is_one_more)
        crowd_add(server->crowd, connection, &address);
    // Neither is of a local socket. What nobody has acknowledged for so long nobody will.
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &server->limits->stall_ms,
                     sizeof server->limits->stall_ms);
    connection->server = server;
    connection->fd = fd;
    connection->out.pool = connection->exchange.fields.pool = &server->outputs;
    memcpy(&connection->peer, peer, MIN((size_t)n_peer, sizeof connection->peer));
    server_link(connection);
    if (server->n++ == 0)
        server_set_timer(server, server_tick_ms(server->limits));
    server_set_deadline(connection, server->limits->idle_ms);
    server_watch(connection, EPOLLIN);
}

int server_accept(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct http_server *server = context;

    (void)source;
    (void)events;
    server->now_ms = server_now_ms();
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage peer = { 0 };
        socklen_t               n_peer = sizeof peer;
        bool                    is_crowded = server->n >= server->limits->connections;
        if (is_crowded && i > 0)
            return 0; // if there is one more, the loop says so
        if (is_crowded && !make_room(server)) {
            server_listen(server, false);
            return 0;
        }
        int client = accept4(fd, (struct sockaddr *)&peer, &n_peer, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            add_connection(server, client, (struct sockaddr *)&peer, n_peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            if (i > 0) // it is said of nobody as well
                return 0;
            if (make_room(server))
                continue;
            server_listen(server, false);
            server_set_timer(server, FD_RESERVE_MS);
            return 0;
        }
        if (errno == EAGAIN)
            return 0;
        // Any other error is of a connection that is no more.
    }
    return 0;
}
