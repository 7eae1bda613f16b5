// SPDX-License-Identifier: MIT
#include "http/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/macros.h"

#define STEP 16u // that somebody takes at once

struct crew {
    pthread_mutex_t   lock;
    pthread_cond_t    begins, ends;
    pthread_t         threads[CREW_THREADS];
    unsigned          n_threads, n_wanted;
    struct crew_send *sends; // of the list that is open; NULL: there is none
    size_t            n;
    atomic_size_t     next;
    unsigned          list; // its number
    unsigned          n_at_it;
    bool              is_over;
};

// As many as there are processors besides the one of the loop.
static unsigned count_wanted(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 0;
    return MIN((unsigned)CPU_COUNT(&set) - 1, CREW_THREADS);
}

struct crew *crew_new(void)
{
    struct crew *crew = calloc(1, sizeof *crew);

    if (!crew)
        return NULL;
    (void)pthread_mutex_init(&crew->lock, NULL); // none of these fails
    (void)pthread_cond_init(&crew->begins, NULL);
    (void)pthread_cond_init(&crew->ends, NULL);
    crew->n_wanted = count_wanted();
    return crew;
}

struct crew *crew_free(struct crew *crew)
{
    if (!crew)
        return NULL;
    (void)pthread_mutex_lock(&crew->lock); // nor does any of these
    crew->is_over = true;
    (void)pthread_cond_broadcast(&crew->begins);
    (void)pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->n_threads; i++)
        (void)pthread_join(crew->threads[i], NULL);
    (void)pthread_cond_destroy(&crew->ends);
    (void)pthread_cond_destroy(&crew->begins);
    (void)pthread_mutex_destroy(&crew->lock);
    free(crew);
    return NULL;
}

static void send_one(struct crew_send *one)
{
    one->result = send(one->fd, one->bytes, one->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (one->result < 0)
        one->result = errno == EINTR || errno == ENOBUFS ? -EAGAIN : -errno;
}

static void send_some(struct crew *crew, struct crew_send *sends, size_t n)
{
    size_t at;

    while ((at = atomic_fetch_add_explicit(&crew->next, STEP, memory_order_relaxed)) < n)
        for (size_t i = at; i < MIN(at + STEP, n); i++)
            send_one(&sends[i]);
}

// Whoever wakes up too late finds the list closed, and is not waited for.
static void *run(void *context)
{
    struct crew *crew = context;
    unsigned     list = 0;

    (void)pthread_mutex_lock(&crew->lock);
    while (!crew->is_over) {
        if (!crew->sends || crew->list == list) {
            (void)pthread_cond_wait(&crew->begins, &crew->lock);
            continue;
        }
        struct crew_send *sends = crew->sends;
        size_t            n = crew->n;
        list = crew->list;
        crew->n_at_it++;
        (void)pthread_mutex_unlock(&crew->lock);
        send_some(crew, sends, n);
        (void)pthread_mutex_lock(&crew->lock);
        if (--crew->n_at_it == 0)
            (void)pthread_cond_signal(&crew->ends);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

// Without a thread the loop does it all. Signals are the loop's.
static void make_threads(struct crew *crew)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (crew->n_threads < crew->n_wanted)
        if (pthread_create(&crew->threads[crew->n_threads], NULL, run, crew) == 0)
            crew->n_threads++;
        else
            crew->n_wanted = crew->n_threads;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void open_list(struct crew *crew, struct crew_send *sends, size_t n)
{
    (void)pthread_mutex_lock(&crew->lock);
    crew->sends = sends;
    crew->n = n;
    crew->list++;
    atomic_store_explicit(&crew->next, 0, memory_order_relaxed);
    (void)pthread_cond_broadcast(&crew->begins);
    (void)pthread_mutex_unlock(&crew->lock);
}

static void close_list(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    crew->sends = NULL;
    while (crew->n_at_it > 0)
        (void)pthread_cond_wait(&crew->ends, &crew->lock);
    (void)pthread_mutex_unlock(&crew->lock);
}

void crew_send(struct crew *crew, struct crew_send *sends, size_t n)
{
    if (n < CREW_MIN) {
        for (size_t i = 0; i < n; i++)
            send_one(&sends[i]);
        return;
    }
    make_threads(crew);
    open_list(crew, sends, n);
    send_some(crew, sends, n);
    close_list(crew);
}
