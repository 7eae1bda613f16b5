// SPDX-License-Identifier: MIT
#include "web/aside.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"

// The list and its stages are the lock's; who waits is the loop's alone.
struct aside {
    pthread_t           threads[ASIDE_THREADS_MAX];
    unsigned            n_threads;
    pthread_mutex_t     lock;
    pthread_cond_t      came;
    bool                is_closing;
    struct aside_task  *first; // in the order in which they came
    unsigned            n;
    struct aside_limits limits;
    const char         *busy;
    int                 done_fd;
    sd_event_source    *source;
};

// How many there are of a user: of all stages, or of one.
static unsigned count(const struct aside *aside, int64_t user, bool is_working)
{
    unsigned n = 0;

    for (const struct aside_task *task = aside->first; user && task; task = task->next)
        n += task->user == user && (!is_working || task->stage == ASIDE_WORKING);
    return n;
}

// The oldest one that waits, of those whose user has not as many under way as he may.
static struct aside_task *next_task(const struct aside *aside)
{
    struct aside_task *task = aside->first;
    unsigned           max = aside->limits.at_once;

    while (task && (task->stage != ASIDE_WAITING || (max && count(aside, task->user, true) >= max)))
        task = task->next;
    return task;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // it is always there
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---- a thread ---------------------------------------------------------------------------------

static void *run(void *user)
{
    struct aside  *aside = user;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&aside->lock); // neither fails, of a lock of this kind
    while (!aside->is_closing) {
        struct aside_task *task = next_task(aside);
        if (!task) {
            (void)pthread_cond_wait(&aside->came, &aside->lock);
            continue;
        }
        task->stage = ASIDE_WORKING;
        task->is_late = aside->limits.wait_ms && now_ms() - task->came_ms > aside->limits.wait_ms;
        (void)pthread_mutex_unlock(&aside->lock);
        if (!task->is_late)
            task->work(task);
        (void)pthread_mutex_lock(&aside->lock);
        task->stage = ASIDE_DONE;
        (void)!write(aside->done_fd, &one, sizeof one); // it never blocks: who reads resets it
    }
    (void)pthread_mutex_unlock(&aside->lock);
    return NULL;
}

// ---- the loop ---------------------------------------------------------------------------------

// Takes it out of the list, while locked.
static void take(struct aside *aside, struct aside_task *task)
{
    struct aside_task **at = &aside->first;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    aside->n--;
}

static struct aside_task *take_done(struct aside *aside)
{
    (void)pthread_mutex_lock(&aside->lock);
    struct aside_task *task = aside->first;
    while (task && task->stage != ASIDE_DONE)
        task = task->next;
    if (task)
        take(aside, task);
    (void)pthread_mutex_unlock(&aside->lock);
    return task;
}

static int tell(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct aside_task *task;
    uint64_t           count;

    (void)source;
    (void)events;
    (void)!read(fd, &count, sizeof count); // what counts is the tasks
    while ((task = take_done(context))) {
        task->done(task);
        task->drop(task);
    }
    return 0;
}

// Signals are for the loop.
static int start_threads(struct aside *aside, struct error *err)
{
    sigset_t all, before;
    int      r = 0;

    (void)sigfillset(&all); // neither fails
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (r == 0 && aside->n_threads < aside->limits.threads) {
        r = pthread_create(&aside->threads[aside->n_threads], NULL, run, aside);
        aside->n_threads += r == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r == 0 ? 0 : error_sys(err, r, "starting a thread");
}

int aside_open(struct aside **ret, sd_event *event, const struct aside_limits *limits,
               const char *busy, struct error *err)
{
    AUTO(aside_closep) struct aside *aside = calloc(1, sizeof *aside);

    assert(limits->threads <= ASIDE_THREADS_MAX);
    if (!aside)
        return error_sys(err, ENOMEM, "making threads");
    (void)pthread_mutex_init(&aside->lock, NULL); // neither fails, of the usual kind
    (void)pthread_cond_init(&aside->came, NULL);
    aside->limits = *limits;
    aside->busy = busy;
    aside->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (aside->done_fd < 0)
        return error_sys(err, errno, "making an event descriptor");
    int r = sd_event_add_io(event, &aside->source, aside->done_fd, EPOLLIN, tell, aside);
    if (r < 0)
        return error_sys(err, -r, "watching an event descriptor");
    if (start_threads(aside, err) < 0)
        return -1;
    *ret = TAKE(aside);
    return 0;
}

struct aside *aside_close(struct aside *aside)
{
    if (!aside)
        return NULL;
    (void)pthread_mutex_lock(&aside->lock);
    aside->is_closing = true;
    (void)pthread_cond_broadcast(&aside->came);
    (void)pthread_mutex_unlock(&aside->lock);
    for (unsigned i = 0; i < aside->n_threads; i++)
        (void)pthread_join(aside->threads[i], NULL); // after the one it works on
    for (struct aside_task *task; (task = aside->first);) {
        take(aside, task);
        task->drop(task);
    }
    (void)sd_event_source_disable_unref(aside->source);
    (void)fd_close(aside->done_fd);
    (void)pthread_cond_destroy(&aside->came);
    (void)pthread_mutex_destroy(&aside->lock);
    free(aside);
    return NULL;
}

void aside_closep(struct aside **aside)
{
    *aside = aside_close(*aside);
}

// ---- asking -----------------------------------------------------------------------------------

static bool add(struct aside *aside, struct aside_task *task)
{
    struct aside_task **end = &aside->first;
    unsigned            max = aside->limits.of_user;

    if (aside->n == aside->limits.tasks || (max && count(aside, task->user, false) >= max))
        return false;
    while (*end)
        end = &(*end)->next;
    task->next = NULL;
    task->stage = ASIDE_WAITING;
    task->came_ms = now_ms();
    *end = task;
    aside->n++;
    return true;
}

int aside_run(struct aside *aside, struct aside_task *task, struct error *err)
{
    (void)pthread_mutex_lock(&aside->lock);
    bool is_added = add(aside, task);
    (void)pthread_cond_signal(&aside->came);
    (void)pthread_mutex_unlock(&aside->lock);
    if (is_added)
        return 0;
    task->drop(task);
    return error_set(err, ERROR_BUSY, "%s", aside->busy);
}

void aside_forget(struct aside *aside, const void *waiter)
{
    struct aside_task *next, *dropped = NULL;

    (void)pthread_mutex_lock(&aside->lock);
    for (struct aside_task *task = aside->first; task; task = next) {
        next = task->next;
        if (task->waiter != waiter)
            continue;
        task->waiter = NULL;
        if (task->stage != ASIDE_WAITING)
            continue;
        take(aside, task);
        task->next = dropped;
        dropped = task;
    }
    (void)pthread_mutex_unlock(&aside->lock);
    for (; dropped; dropped = next) {
        next = dropped->next;
        dropped->drop(dropped);
    }
}
