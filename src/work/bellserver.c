// SPDX-License-Identifier: MIT

// bellserver: the worker's side of the bell.

#include "work/bell.h"

#include <errno.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fd.h"

#define MESSAGES_MAX 16u // of one client in a turn

struct client {
    struct bell_server *server;
    struct client      *next;
    sd_event_source    *source;
    int                 fd;
    bool                is_due, is_behind, is_gone; // to be told; does not read; goes in this turn
};

struct bell_server {
    sd_event        *event;
    sd_event_source *listener, *turn; // the second is on while there is something to tell
    int              fd;
    struct client   *clients;
    unsigned         n_clients;
    bool             is_poked, is_watched;
    void (*poked)(void *context);
    void (*watched)(void *context);
    void *context;
};

// ---- clients ----------------------------------------------------------------------------------

static void client_free(struct client *client)
{
    sd_event_source_disable_unref(client->source);
    (void)fd_close(client->fd);
    free(client);
}

static void tell_later(struct bell_server *server)
{
    (void)sd_event_source_set_enabled(server->turn, SD_EVENT_ONESHOT); // no way to fail
}

static void drop(struct client *client)
{
    client->is_gone = true;
    (void)sd_event_source_set_enabled(client->source, SD_EVENT_OFF); // no way to fail
    tell_later(client->server);
}

static void remove_gone(struct bell_server *server)
{
    for (struct client **at = &server->clients; *at;) {
        struct client *client = *at;
        if (!client->is_gone) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        server->n_clients--;
        client_free(client);
    }
}

static void take_poke(struct client *from)
{
    struct bell_server *server = from->server;

    server->is_poked = true;
    for (struct client *client = server->clients; client; client = client->next)
        if (client != from)
            client->is_due = true;
    tell_later(server);
}

// False: that is nothing that a client says.
static bool take_message(struct client *from, const struct bell_message *message, ssize_t n)
{
    if (n != sizeof *message || message->magic != BELL_MAGIC)
        return false;
    if (message->kind == BELL_POKE) {
        take_poke(from);
        return true;
    }
    if (message->kind != BELL_WATCH)
        return false;
    from->server->is_watched = true;
    tell_later(from->server);
    return true;
}

static int hear(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct client      *client = context;
    struct bell_message message;
    ssize_t             n = 0;

    (void)source;
    (void)events;
    for (unsigned i = 0; i < MESSAGES_MAX; i++) {
        n = recv(fd, &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (!take_message(client, &message, n)) {
            drop(client);
            return 0;
        }
    }
    return 0;
}

// ---- accepting --------------------------------------------------------------------------------

static bool may_connect(int fd)
{
    struct ucred peer;
    socklen_t    n = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

// True: there is room for one more.
static bool make_room(struct bell_server *server)
{
    if (server->n_clients < BELL_CLIENTS_MAX)
        return true;
    for (struct client *client = server->clients; client; client = client->next)
        if (client->is_behind) {
            client->is_gone = true;
            remove_gone(server);
            return true;
        }
    return false;
}

static int accept_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct bell_server *server = context;
    AUTO_FD             client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (client_fd < 0 || !may_connect(client_fd) || !make_room(server))
        return 0;
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return 0;
    client->server = server;
    client->fd = TAKE_FD(client_fd);
    if (sd_event_add_io(server->event, &client->source, client->fd, EPOLLIN, hear, client) < 0) {
        client_free(client);
        return 0;
    }
    client->next = server->clients;
    server->clients = client;
    server->n_clients++;
    return 0;
}

// ---- telling ----------------------------------------------------------------------------------

// Whoever has not read the last ones need not be told once more.
static void tell(struct client *client)
{
    static const struct bell_message message = { BELL_MAGIC, BELL_CHANGED };

    client->is_due = false;
    client->is_behind = false;
    if (send(client->fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return;
    client->is_behind = errno == EAGAIN;
    client->is_gone = !client->is_behind;
}

static int take_turn(sd_event_source *source, void *context)
{
    struct bell_server *server = context;
    bool                is_poked = server->is_poked;

    (void)source;
    server->is_poked = false;
    if (server->is_watched)
        server->watched(server->context);
    server->is_watched = false;
    for (struct client *client = server->clients; client; client = client->next)
        if (client->is_due && !client->is_gone)
            tell(client);
    remove_gone(server);
    if (is_poked)
        server->poked(server->context); // which may close the server
    return 0;
}

void bell_server_ring(struct bell_server *server)
{
    for (struct client *client = server->clients; client; client = client->next)
        client->is_due = true;
    tell_later(server);
}

// ---- the server -------------------------------------------------------------------------------

static void closep(struct bell_server **server)
{
    (void)bell_server_close(*server);
}

int bell_server_open(struct bell_server **ret, sd_event *event, int fd, bell_heard *poked,
                     bell_heard *watched, void *context, struct error *err)
{
    AUTO_FD                          listening = fd;
    AUTO(closep) struct bell_server *server = calloc(1, sizeof *server);

    if (!server)
        return error_sys(err, ENOMEM, "listening for clients");
    server->fd = TAKE_FD(listening);
    server->event = sd_event_ref(event);
    server->poked = poked;
    server->watched = watched;
    server->context = context;
    if (fcntl(server->fd, F_SETFL, O_NONBLOCK) < 0)
        return error_sys(err, errno, "listening for clients");
    int r = sd_event_add_io(event, &server->listener, server->fd, EPOLLIN, accept_client, server);
    if (r >= 0)
        r = sd_event_add_defer(event, &server->turn, take_turn, server);
    if (r >= 0)
        r = sd_event_source_set_enabled(server->turn, SD_EVENT_OFF);
    if (r < 0)
        return error_sys(err, -r, "listening for clients");
    *ret = TAKE(server);
    return 0;
}

struct bell_server *bell_server_close(struct bell_server *server)
{
    if (!server)
        return NULL;
    for (struct client *client = server->clients, *next; client; client = next) {
        next = client->next;
        client_free(client);
    }
    sd_event_source_disable_unref(server->listener);
    sd_event_source_disable_unref(server->turn);
    (void)fd_close(server->fd);
    sd_event_unref(server->event);
    free(server);
    return NULL;
}

unsigned bell_server_clients(const struct bell_server *server)
{
    return server->n_clients;
}
