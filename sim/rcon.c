// SPDX-License-Identifier: MIT
#include "rcon.h"

#include "bans.h"
#include "base/fd.h"
#include "console.h"
#include "cvars.h"
#include "gamelog.h"
#include "loop.h"
#include "net.h"
#include "options.h"
#include "query.h"
#include "shell.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RCON_SIZE_MIN     10 // id, type, and the NULs of an empty body
#define RCON_SIZE_MAX     4096
#define RCON_BODY_MAX     4000u // of one packet of an answer
#define RCON_FAILURES_MAX 128u  // addresses whose failures are remembered
#define RCON_RECENT_MAX   64u   // times of failures that are remembered of each

enum rcon_type {
    RCON_VALUE = 0,
    RCON_COMMAND = 2,
    RCON_LOGIN_ANSWER = 2,
    RCON_LOGIN = 3,
};

struct session {
    struct rcon        *rcon;
    struct session     *next;
    int                 fd;
    struct loop_source *source;
    struct sockaddr_in  peer;
    bool                is_authenticated;
    bool                is_closed; // freed when nothing on the stack refers to it any more
    uint8_t             input[4 + RCON_SIZE_MAX];
    size_t              n_input;
    uint8_t            *output;
    size_t              n_output;
    size_t              room;
};

struct failures {
    struct in_addr address;
    unsigned       count; // ever
    size_t         n_recent;
    uint64_t       recent_us[RCON_RECENT_MAX];
};

struct rcon {
    struct game        *game;
    int                 listen_fd; // -1: closed
    struct loop_source *listen_source;
    struct loop_source *listen_timer; // sim_delay_listen
    bool                is_paused;
    bool                is_opening;
    struct session     *sessions;
    size_t              n_failures;
    struct failures     failures[RCON_FAILURES_MAX];
};

struct packet {
    int32_t id;
    int32_t type;
    char    body[RCON_SIZE_MAX];
};

// --- sessions ---------------------------------------------------------------------------------

static void session_close(struct session *session)
{
    if (session->is_closed)
        return;
    session->is_closed = true;
    session->source = loop_source_free(session->source);
    session->fd = fd_close(session->fd);
}

static void session_free(struct session *session)
{
    session_close(session);
    free(session->output);
    free(session);
}

static void bury(struct rcon *rcon)
{
    for (struct session **link = &rcon->sessions; *link;) {
        struct session *session = *link;
        if (!session->is_closed) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        session_free(session);
    }
}

static void session_watch(struct session *session)
{
    uint32_t events = session->rcon->is_paused ? 0 : EPOLLIN;

    if (!session->is_closed)
        loop_set_events(session->source, events | (session->n_output ? EPOLLOUT : 0u));
}

static void session_flush(struct session *session)
{
    while (!session->is_closed && session->n_output) {
        ssize_t n = send(session->fd, session->output, session->n_output, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            session_close(session);
            return;
        }
        session->n_output -= (size_t)n;
        memmove(session->output, session->output + n, session->n_output);
    }
    session_watch(session);
}

static void session_append(struct session *session, const void *bytes, size_t n_bytes)
{
    if (session->is_closed)
        return;
    if (session->n_output + n_bytes > RCON_BACKLOG_MAX) {
        session_close(session); // reads too slowly
        return;
    }
    if (session->n_output + n_bytes > session->room) {
        size_t   room = 2 * (session->n_output + n_bytes);
        uint8_t *output = realloc(session->output, room);
        if (!output) {
            session_close(session);
            return;
        }
        session->output = output;
        session->room = room;
    }
    memcpy(session->output + session->n_output, bytes, n_bytes);
    session->n_output += n_bytes;
}

// `n_extra` falsifies the size field, as old builds did in the second packet of `cvarlist`.
static void send_packet(struct session *session, int32_t id, int32_t type, const void *body,
                        size_t n_body, int32_t n_extra)
{
    const int32_t head[3] = { (int32_t)n_body + RCON_SIZE_MIN + n_extra, id, type };

    session_append(session, head, sizeof head);
    session_append(session, body, n_body);
    session_append(session, "\0", 2);
}

// --- failed logins ----------------------------------------------------------------------------

static struct failures *failures_find(struct rcon *rcon, struct in_addr address)
{
    for (size_t i = 0; i < rcon->n_failures; i++)
        if (rcon->failures[i].address.s_addr == address.s_addr)
            return &rcon->failures[i];

    size_t i = rcon->n_failures < RCON_FAILURES_MAX ? rcon->n_failures++ : 0;
    rcon->failures[i] = (struct failures){ .address = address };
    return &rcon->failures[i];
}

static size_t failures_recent(const struct failures *failures, double window_s)
{
    uint64_t now_us = loop_now_us();
    size_t   count = 0;

    for (size_t i = 0; i < failures->n_recent; i++)
        count += now_us - failures->recent_us[i] <= (uint64_t)(window_s * 1e6);
    return count;
}

// Counts a bad password, or bytes that are no RCON at all, such as a browser's.
static void note_failure(struct session *session)
{
    struct rcon        *rcon = session->rcon;
    const struct cvars *cvars = rcon->game->cvars;
    struct failures    *failures = failures_find(rcon, session->peer.sin_addr);
    char                address[INET_ADDRSTRLEN];

    if (failures->n_recent == RCON_RECENT_MAX)
        memmove(failures->recent_us, failures->recent_us + 1,
                --failures->n_recent * sizeof *failures->recent_us);
    failures->recent_us[failures->n_recent++] = loop_now_us();
    failures->count++;

    double window_s = cvars_number(cvars, "sv_rcon_minfailuretime");
    double most = cvars_number(cvars, "sv_rcon_maxfailures");
    double most_recent = cvars_number(cvars, "sv_rcon_minfailures");
    if (failures->count < most && (double)failures_recent(failures, window_s) < most_recent)
        return;

    inet_ntop(AF_INET, &session->peer.sin_addr, address, sizeof address);
    console_print(rcon->game->console, "Banning %s for rcon hacking attempts\n", address);
    bans_add(rcon->game->bans, BANS_IP, address, cvars_number(cvars, "sv_rcon_banpenalty"));
    failures->count = 0;
    failures->n_recent = 0;
    session_close(session);
}

// --- packets ----------------------------------------------------------------------------------

static void log_line(const struct session *session, const char *what, const char *command)
{
    char address[INET_ADDRSTRLEN];

    if (!cvars_is_on(session->rcon->game->cvars, "sv_rcon_log"))
        return;
    inet_ntop(AF_INET, &session->peer.sin_addr, address, sizeof address);
    gamelog_print(session->rcon->game->gamelog, "rcon from \"%s:%u\": %s%s%s", address,
                  ntohs(session->peer.sin_port), what, command, *command ? "\"" : "");
}

static void handle_login(struct session *session, const struct packet *packet)
{
    const char *password = cvars_text(session->rcon->game->cvars, "rcon_password");

    session->is_authenticated = *password && strcmp(password, packet->body) == 0;
    send_packet(session, packet->id, RCON_VALUE, "", 0, 0);
    send_packet(session, session->is_authenticated ? packet->id : -1, RCON_LOGIN_ANSWER, "", 0, 0);
    session_flush(session);
    if (session->is_authenticated)
        return;

    log_line(session, "Bad Password", "");
    note_failure(session);
}

static void send_answer(struct session *session, int32_t id, const char *text, size_t n_text)
{
    bool   is_wrong = cvars_is_on(session->rcon->game->cvars, "sim_rcon_badsize");
    size_t offset = 0;

    do {
        size_t n = MIN(n_text - offset, RCON_BODY_MAX);
        bool   is_second = offset == RCON_BODY_MAX;
        send_packet(session, id, RCON_VALUE, text + offset, n, is_wrong && is_second ? 1 : 0);
        offset += n;
    } while (offset < n_text);
}

static void handle_command(struct session *session, const struct packet *packet)
{
    struct rcon *rcon = session->rcon;
    size_t       n_text = 0;

    if (!session->is_authenticated) {
        send_packet(session, -1, RCON_LOGIN_ANSWER, "", 0, 0);
        return;
    }
    log_line(session, "command \"", packet->body);
    console_capture_start(rcon->game->console);
    shell_run(rcon->game->shell, packet->body, false);
    AUTO(freep)
    char *text = console_capture_stop(rcon->game->console, &n_text);
    send_answer(session, packet->id, text ? text : "", n_text); // of no effect if it was closed
}

// Clients learn from the mirrored packet that the answer before it is complete.
static void handle_value(struct session *session, const struct packet *packet)
{
    static const uint8_t tail[] = { 0, 0, 0, 1, 0, 0, 0, 0 };

    if (!session->is_authenticated)
        return;
    send_packet(session, packet->id, RCON_VALUE, "", 0, 0);
    send_packet(session, packet->id, RCON_VALUE, tail, sizeof tail, 0);
}

static void handle_packet(struct session *session, const struct packet *packet)
{
    if (packet->type == RCON_LOGIN)
        handle_login(session, packet);
    else if (packet->type == RCON_COMMAND)
        handle_command(session, packet);
    else if (packet->type == RCON_VALUE)
        handle_value(session, packet);
}

// Takes one packet off the input. False: not complete yet, or the session is over.
static bool take_packet(struct session *session, struct packet *ret)
{
    int32_t size;

    if (session->is_closed || session->n_input < sizeof size)
        return false;
    memcpy(&size, session->input, sizeof size);
    if (size < RCON_SIZE_MIN || size > RCON_SIZE_MAX) {
        note_failure(session);
        session_close(session);
        return false;
    }
    if (session->n_input < sizeof size + (size_t)size)
        return false;

    size_t n_body = (size_t)size - RCON_SIZE_MIN;
    memcpy(&ret->id, session->input + 4, sizeof ret->id);
    memcpy(&ret->type, session->input + 8, sizeof ret->type);
    memcpy(ret->body, session->input + 12, n_body);
    ret->body[n_body] = '\0';
    session->n_input -= sizeof size + (size_t)size;
    memmove(session->input, session->input + sizeof size + size, session->n_input);
    return true;
}

// A command may start a map change, which pauses us with packets still in the input.
static void run_input(struct session *session)
{
    struct packet packet;

    while (!session->rcon->is_paused && take_packet(session, &packet))
        handle_packet(session, &packet);
    session_flush(session);
}

static void on_session(void *userdata, uint64_t events)
{
    struct session *session = userdata;
    struct rcon    *rcon = session->rcon;

    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        size_t  room = sizeof session->input - session->n_input;
        ssize_t n = recv(session->fd, session->input + session->n_input, room, 0);
        bool    is_over = n == 0 || (n < 0 && errno != EAGAIN);
        session->n_input += n > 0 ? (size_t)n : 0;
        if (is_over)
            session_close(session);
    }
    run_input(session);
    bury(rcon);
}

// --- the listener -----------------------------------------------------------------------------

static void session_start(struct rcon *rcon, int fd, const struct sockaddr_in *peer)
{
    struct error err;

    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        fd_close(fd);
        return;
    }
    *session = (struct session){ .rcon = rcon, .fd = fd, .peer = *peer };
    if (loop_add_fd(&session->source, rcon->game->loop, fd, EPOLLIN, on_session, session, &err) <
        0) {
        fd_close(fd);
        free(session);
        return;
    }
    session->next = rcon->sessions;
    rcon->sessions = session;
}

static void on_listener(void *userdata, uint64_t events)
{
    struct rcon       *rcon = userdata;
    struct sockaddr_in peer;
    socklen_t          n_peer = sizeof peer;
    size_t             n_sessions = 0;

    (void)events; // a listener has only one
    bury(rcon);
    int fd =
        accept4(rcon->listen_fd, (struct sockaddr *)&peer, &n_peer, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (const struct session *session = rcon->sessions; session; session = session->next)
        n_sessions++;
    if (n_sessions >= RCON_SESSIONS_MAX || bans_has_address(rcon->game->bans, peer.sin_addr)) {
        fd_close(fd);
        return;
    }
    session_start(rcon, fd, &peer);
}

static void listen_now(void *userdata, uint64_t n_expired)
{
    struct rcon   *rcon = userdata;
    struct game   *game = rcon->game;
    struct in_addr address;
    struct error   err;

    (void)n_expired; // armed once
    if (game->options->ip) {
        if (net_address_parse(&address, game->options->ip, &err) < 0)
            return; // it was parsed before
    } else {
        address = net_host_name_address();
    }

    uint16_t port = query_port(game->query);
    if (net_tcp_listen(&rcon->listen_fd, address, port, &err) < 0 ||
        loop_add_fd(&rcon->listen_source, game->loop, rcon->listen_fd,
                    rcon->is_paused ? 0 : EPOLLIN, on_listener, rcon, &err) < 0) {
        console_print(game->console, "Unable to open the RCON listener: %s\n", err.message);
        return;
    }
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof text);
    console_print(game->console, "[sim] RCON listens on %s:%u\n", text, port);
}

static void on_password(void *userdata, const struct cvar *cvar)
{
    struct rcon *rcon = userdata;

    for (struct session *session = rcon->sessions; session; session = session->next)
        if (session->is_authenticated)
            session_close(session);
    if (rcon->is_opening || !*cvar->value)
        return;

    double delay_ms = cvars_number(rcon->game->cvars, "sim_delay_listen");
    rcon->is_opening = true;
    if (delay_ms > 0)
        loop_set_timer(rcon->listen_timer, (uint64_t)(delay_ms * 1000), 0);
    else
        listen_now(rcon, 1);
}

void rcon_set_paused(struct rcon *rcon, bool is_paused)
{
    rcon->is_paused = is_paused;
    if (rcon->listen_source)
        loop_set_events(rcon->listen_source, is_paused ? 0 : EPOLLIN);
    for (struct session *session = rcon->sessions; session; session = session->next) {
        if (!is_paused && !session->is_closed)
            run_input(session);
        session_watch(session);
    }
}

int rcon_new(struct rcon **ret, struct game *game, struct error *err)
{
    AUTO(freep)
    struct rcon *rcon = calloc(1, sizeof *rcon);
    if (!rcon)
        return error_sys(err, ENOMEM, "allocating the remote console");

    rcon->game = game;
    rcon->listen_fd = -1;
    if (loop_add_timer(&rcon->listen_timer, game->loop, listen_now, rcon, err) < 0)
        return -1;

    cvars_watch(game->cvars, "rcon_password", on_password, rcon);
    *ret = TAKE(rcon);
    return 0;
}

struct rcon *rcon_free(struct rcon *rcon)
{
    if (!rcon)
        return NULL;

    for (struct session *session = rcon->sessions; session; session = session->next)
        session_close(session);
    bury(rcon);
    loop_source_free(rcon->listen_source);
    loop_source_free(rcon->listen_timer);
    fd_close(rcon->listen_fd);
    free(rcon);
    return NULL;
}
