// SPDX-License-Identifier: MIT
#include "work/players.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/fd.h"
#include "game/a2s.h"
#include "work/here.h"

#define TRIES       3u
#define TRY_MS      1000u
#define ACCURACY_US 10000u

struct players {
    sd_event_source *source, *timer;
    int              fd;
    unsigned         n_tries;
    bool             is_challenged;
    void (*told)(void *context, int n);
    void *context;
};

static void tell(struct players *players, int n)
{
    void (*told)(void *context, int n) = players->told;
    void *context = players->context;

    (void)players_leave(players);
    told(context, n);
}

// What is lost is asked again.
static void ask(const struct players *players, const uint32_t *challenge)
{
    uint8_t bytes[A2S_ASK_MAX];
    size_t  n = a2s_ask(bytes, challenge);

    (void)!send(players->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct players   *players = context;
    uint8_t           bytes[A2S_DATAGRAM_MAX];
    struct a2s_answer answer;
    struct error      ignored; // it may be an answer to somebody else's question
    ssize_t           n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    (void)source;
    (void)events;
    if (n < 0 && errno == ECONNREFUSED)
        tell(players, -1);
    else if (n >= 0 && a2s_read(&answer, bytes, (size_t)n, &ignored) == 0) {
        if (answer.kind == A2S_INFO)
            tell(players, (int)(answer.players - MIN(answer.bots, answer.players)));
        else if (answer.kind == A2S_CHALLENGE && !players->is_challenged) {
            players->is_challenged = true;
            ask(players, &answer.challenge);
        }
    }
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct players *players = context;

    (void)usec;
    if (players->n_tries++ == TRIES) {
        tell(players, -1);
        return 0;
    }
    players->is_challenged = false;
    ask(players, NULL);
    (void)sd_event_source_set_time_relative(source, TRY_MS * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);              // likewise
    return 0;
}

static void leavep(struct players **players)
{
    (void)players_leave(*players);
}

int players_ask(struct players **ret, sd_event *event, uint16_t port,
                void (*told)(void *context, int n), void *context, struct error *err)
{
    struct sockaddr_in           address = { .sin_family = AF_INET, .sin_port = htons(port) };
    AUTO(leavep) struct players *players = calloc(1, sizeof *players);

    if (!players)
        return error_sys(err, ENOMEM, "asking a server who plays on it");
    players->told = told;
    players->context = context;
    players->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (players->fd >= 0)
        address.sin_addr = here_address(players->fd);
    if (players->fd < 0 ||
        connect(players->fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return error_sys(err, errno, "asking a server who plays on it");
    int r = sd_event_add_io(event, &players->source, players->fd, EPOLLIN, on_answer, players);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &players->timer, CLOCK_MONOTONIC, 0, ACCURACY_US,
                                       on_time, players);
    if (r < 0)
        return error_sys(err, -r, "asking a server who plays on it");
    *ret = TAKE(players);
    return 0;
}

struct players *players_leave(struct players *players)
{
    if (!players)
        return NULL;
    sd_event_source_disable_unref(players->source);
    sd_event_source_disable_unref(players->timer);
    (void)fd_close(players->fd);
    free(players);
    return NULL;
}
