// SPDX-License-Identifier: MIT
#include "workshop/checker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/fd.h"

#define TOGETHER_MAX 32u

struct queue {
    struct check_job *first, *last;
};

struct checker {
    pthread_t       thread;
    pthread_mutex_t mutex;
    pthread_cond_t  condition; // there is something to do
    bool            is_ending;
    struct queue    todo, done; // guarded by the mutex
    int             event_fd;
};

static void queue_add(struct queue *queue, struct check_job *job)
{
    job->next = NULL;
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct check_job *queue_take(struct queue *queue)
{
    struct check_job *job = queue->first;

    if (job)
        queue->first = job->next;
    if (!queue->first)
        queue->last = NULL;
    return job;
}

static bool is_ending(struct checker *checker)
{
    (void)pthread_mutex_lock(&checker->mutex); // fails for no mutex of this kind
    bool is = checker->is_ending;
    (void)pthread_mutex_unlock(&checker->mutex);
    return is;
}

// Waits for something to do, and takes some of it; 0: there will be nothing.
static size_t take_some(struct checker *checker, struct check_job *ret[TOGETHER_MAX])
{
    size_t n = 0;

    (void)pthread_mutex_lock(&checker->mutex);
    while (!checker->is_ending && !checker->todo.first)
        (void)pthread_cond_wait(&checker->condition, &checker->mutex);
    while (!checker->is_ending && n < TOGETHER_MAX && checker->todo.first)
        ret[n++] = queue_take(&checker->todo);
    (void)pthread_mutex_unlock(&checker->mutex);
    return n;
}

// All begin before the first is waited for: then most of them are in one commit of the file
// system's journal.
static void force_to_disk(struct check_job *const *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)sync_file_range(jobs[i]->fd, 0, 0, SYNC_FILE_RANGE_WRITE); // a failure shows below
    for (size_t i = 0; i < n; i++) {
        if (!jobs[i]->is_whole || fdatasync(jobs[i]->fd) == 0)
            continue;
        jobs[i]->is_whole = false;
        (void)error_sys(&jobs[i]->why, errno, "writing the cache to disk");
    }
}

static void hand_back(struct checker *checker, struct check_job *const *jobs, size_t n)
{
    (void)pthread_mutex_lock(&checker->mutex);
    for (size_t i = 0; i < n; i++)
        queue_add(&checker->done, jobs[i]);
    (void)pthread_mutex_unlock(&checker->mutex);
    (void)eventfd_write(checker->event_fd, 1); // it is full only if nobody ever reads it
}

static void read_one(struct check_job *job)
{
    job->is_whole = contents_read(&job->contents, job->dir_fd, job->name, &job->why) == 0;
}

static void *run(void *user)
{
    struct checker   *checker = user;
    struct check_job *jobs[TOGETHER_MAX];
    size_t            n;

    while ((n = take_some(checker, jobs)) > 0) {
        for (size_t i = 0; i < n && !is_ending(checker); i++)
            read_one(jobs[i]);
        if (is_ending(checker))
            break;
        force_to_disk(jobs, n);
        hand_back(checker, jobs, n);
    }
    return NULL;
}

int checker_new(struct checker **ret, struct error *err)
{
    struct checker *checker = calloc(1, sizeof *checker);

    if (!checker)
        return error_sys(err, ENOMEM, "starting the checker of add-ons");
    (void)pthread_mutex_init(&checker->mutex, NULL); // with default attributes these cannot fail
    (void)pthread_cond_init(&checker->condition, NULL);
    checker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = checker->event_fd < 0 ? errno : pthread_create(&checker->thread, NULL, run, checker);
    if (r != 0) {
        (void)fd_close(checker->event_fd);
        free(checker);
        return error_sys(err, r, "starting the checker of add-ons");
    }
    *ret = checker;
    return 0;
}

struct checker *checker_free(struct checker *checker)
{
    if (!checker)
        return NULL;
    (void)pthread_mutex_lock(&checker->mutex);
    checker->is_ending = true;
    (void)pthread_cond_signal(&checker->condition);
    (void)pthread_mutex_unlock(&checker->mutex);
    (void)pthread_join(checker->thread, NULL);
    (void)pthread_cond_destroy(&checker->condition);
    (void)pthread_mutex_destroy(&checker->mutex);
    (void)fd_close(checker->event_fd);
    free(checker);
    return NULL;
}

void checker_add(struct checker *checker, struct check_job *job)
{
    (void)pthread_mutex_lock(&checker->mutex);
    queue_add(&checker->todo, job);
    (void)pthread_cond_signal(&checker->condition);
    (void)pthread_mutex_unlock(&checker->mutex);
}

int checker_fd(const struct checker *checker)
{
    return checker->event_fd;
}

struct check_job *checker_take(struct checker *checker)
{
    eventfd_t ignored;

    (void)eventfd_read(checker->event_fd,
                       &ignored); // before the look: what comes later sets it again
    (void)pthread_mutex_lock(&checker->mutex);
    struct check_job *job = queue_take(&checker->done);
    (void)pthread_mutex_unlock(&checker->mutex);
    return job;
}
