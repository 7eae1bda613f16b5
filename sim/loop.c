// SPDX-License-Identifier: MIT
#include "loop.h"

#include "base/fd.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LOOP_BATCH 32 // events taken from the kernel at once

struct loop {
    int                 fd;
    bool                is_stopped;
    struct loop_source *dead; // freed during a batch whose events may still name them
};

struct loop_source {
    struct loop        *loop;
    struct loop_source *next_dead;
    int                 fd;
    bool                is_timer; // then fd is ours
    loop_fn            *fn;       // NULL: dead
    void               *userdata;
};

int loop_new(struct loop **ret, struct error *err)
{
    AUTO(freep)
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return error_sys(err, ENOMEM, "allocating the event loop");

    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->fd < 0)
        return error_sys(err, errno, "creating an epoll descriptor");

    *ret = TAKE(loop);
    return 0;
}

static void bury(struct loop *loop)
{
    while (loop->dead) {
        struct loop_source *source = loop->dead;
        loop->dead = source->next_dead;
        free(source);
    }
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;

    bury(loop);
    fd_close(loop->fd);
    free(loop);
    return NULL;
}

int loop_add_fd(struct loop_source **ret, struct loop *loop, int fd, uint32_t events, loop_fn *fn,
                void *userdata, struct error *err)
{
    AUTO(freep)
    struct loop_source *source = calloc(1, sizeof *source);
    if (!source)
        return error_sys(err, ENOMEM, "allocating an event source");

    *source = (struct loop_source){ .loop = loop, .fd = fd, .fn = fn, .userdata = userdata };
    struct epoll_event event = { .events = events, .data.ptr = source };
    if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return error_sys(err, errno, "watching a descriptor");

    *ret = TAKE(source);
    return 0;
}

void loop_set_events(struct loop_source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    (void)epoll_ctl(source->loop->fd, EPOLL_CTL_MOD, source->fd, &event); // it was added before
}

int loop_add_timer(struct loop_source **ret, struct loop *loop, loop_fn *fn, void *userdata,
                   struct error *err)
{
    AUTO_FD fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return error_sys(err, errno, "creating a timer");
    if (loop_add_fd(ret, loop, fd, EPOLLIN, fn, userdata, err) < 0)
        return -1;

    (*ret)->is_timer = true;
    fd = -1;
    return 0;
}

static struct timespec to_timespec(uint64_t us)
{
    return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
                              .tv_nsec = (long)(us % 1000000 * 1000) };
}

void loop_set_timer(struct loop_source *source, uint64_t first_us, uint64_t every_us)
{
    struct itimerspec spec = { .it_value = to_timespec(first_us),
                               .it_interval = to_timespec(every_us) };

    (void)timerfd_settime(source->fd, 0, &spec, NULL); // cannot fail on a timer with sane values
}

struct loop_source *loop_source_free(struct loop_source *source)
{
    if (!source)
        return NULL;

    (void)epoll_ctl(source->loop->fd, EPOLL_CTL_DEL, source->fd, NULL); // it was added before
    if (source->is_timer)
        fd_close(source->fd);
    source->fn = NULL;
    source->next_dead = source->loop->dead;
    source->loop->dead = source;
    return NULL;
}

static void dispatch(struct loop_source *source, uint32_t events)
{
    uint64_t what = events;

    if (!source->fn)
        return;
    if (source->is_timer && read(source->fd, &what, sizeof what) != sizeof what)
        return; // set anew since it expired
    source->fn(source->userdata, what);
}

int loop_run(struct loop *loop, struct error *err)
{
    struct epoll_event events[LOOP_BATCH];

    while (!loop->is_stopped) {
        int n = epoll_wait(loop->fd, events, LOOP_BATCH, -1);
        if (n < 0 && errno != EINTR)
            return error_sys(err, errno, "waiting for events");

        for (int i = 0; i < n; i++)
            dispatch(events[i].data.ptr, events[i].events);
        bury(loop);
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

uint64_t loop_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail on Linux
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
