// SPDX-License-Identifier: MIT
#include "work/bell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/fd.h"

struct bell {
    sd_event          *event;
    sd_event_source   *source, *timer; // of the connection; until the next one
    int                fd;             // -1: there is none
    struct sockaddr_un address;
    void (*changed)(void *context);
    void *context;
};

static int take_address(struct sockaddr_un *ret, const char *path)
{
    if (strlen(path) >= sizeof ret->sun_path)
        return -1;
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret->sun_path, path, strlen(path));
    return 0;
}

static int connect_to(const struct sockaddr_un *address)
{
    AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        return -1;
    return TAKE_FD(fd);
}

// One that has not read the last ones need not be told once more.
static bool say(int fd, enum bell_kind kind)
{
    const struct bell_message message = { BELL_MAGIC, kind };

    return send(fd, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof message ||
           errno == EAGAIN;
}

bool bell_poke_once(const char *path)
{
    struct sockaddr_un address;
    AUTO_FD            fd = take_address(&address, path) < 0 ? -1 : connect_to(&address);

    return fd >= 0 && say(fd, BELL_POKE);
}

// ---- the connection ---------------------------------------------------------------------------

static void try_again_later(struct bell *bell)
{
    (void)sd_event_source_set_time_relative(bell->timer, BELL_AGAIN_MS * UINT64_C(1000));
    (void)sd_event_source_set_enabled(bell->timer, SD_EVENT_ONESHOT); // neither has a way to fail
}

static void hang_up(struct bell *bell)
{
    bell->source = sd_event_source_disable_unref(bell->source);
    bell->fd = fd_close(bell->fd);
    try_again_later(bell);
}

static bool is_ring(const struct bell_message *message, ssize_t n)
{
    return n == sizeof *message && message->magic == BELL_MAGIC && message->kind == BELL_CHANGED;
}

// Whatever came is read, so that many rings are one.
static int hear(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct bell        *bell = context;
    struct bell_message message;
    bool                has_changed = false;
    ssize_t             n;

    (void)source;
    (void)events;
    while ((n = recv(fd, &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC)) > 0 &&
           is_ring(&message, n))
        has_changed = true;
    if (n >= 0 || (errno != EAGAIN && errno != EINTR))
        hang_up(bell);
    if (has_changed)
        bell->changed(bell->context);
    return 0;
}

static bool connect_bell(struct bell *bell)
{
    bell->fd = connect_to(&bell->address);
    if (bell->fd >= 0 &&
        sd_event_add_io(bell->event, &bell->source, bell->fd, EPOLLIN, hear, bell) >= 0)
        return true;
    bell->fd = fd_close(bell->fd);
    try_again_later(bell);
    return false;
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct bell *bell = context;

    (void)source;
    (void)usec;
    if (connect_bell(bell))
        bell->changed(bell->context);
    return 0;
}

// ---- for its user -----------------------------------------------------------------------------

static void closep(struct bell **bell)
{
    (void)bell_close(*bell);
}

int bell_open(struct bell **ret, sd_event *event, const char *path, bell_heard *changed,
              void *context, struct error *err)
{
    AUTO(closep) struct bell *bell = calloc(1, sizeof *bell);

    if (!bell)
        return error_sys(err, ENOMEM, "listening to the worker");
    bell->fd = -1;
    bell->event = sd_event_ref(event);
    bell->changed = changed;
    bell->context = context;
    if (take_address(&bell->address, path) < 0)
        return error_set(err, ERROR_INVALID, "the path of the worker's socket is too long");
    int r = sd_event_add_time_relative(event, &bell->timer, CLOCK_MONOTONIC, 0, 0, on_time, bell);
    if (r >= 0)
        r = sd_event_source_set_enabled(bell->timer, SD_EVENT_OFF);
    if (r < 0)
        return error_sys(err, -r, "listening to the worker");
    (void)connect_bell(bell); // or later
    *ret = TAKE(bell);
    return 0;
}

struct bell *bell_close(struct bell *bell)
{
    if (!bell)
        return NULL;
    sd_event_source_disable_unref(bell->source);
    sd_event_source_disable_unref(bell->timer);
    (void)fd_close(bell->fd);
    sd_event_unref(bell->event);
    free(bell);
    return NULL;
}

bool bell_is_connected(const struct bell *bell)
{
    return bell->fd >= 0;
}

// One that ended meanwhile, and was begun again, is there at once.
static void tell(struct bell *bell, enum bell_kind kind)
{
    if (bell->fd >= 0 && say(bell->fd, kind))
        return;
    if (bell->fd >= 0)
        hang_up(bell);
    if (connect_bell(bell)) {
        (void)sd_event_source_set_enabled(bell->timer, SD_EVENT_OFF); // no way to fail
        (void)say(bell->fd, kind);                                    // best effort
    }
}

void bell_poke(struct bell *bell)
{
    tell(bell, BELL_POKE);
}

void bell_watch(struct bell *bell)
{
    tell(bell, BELL_WATCH);
}
