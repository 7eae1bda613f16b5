// SPDX-License-Identifier: MIT
#include "web/password.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/fd.h"

enum stage { EMPTY, WAITING, WORKING, DONE };

struct task {
    enum stage  stage;
    uint64_t    number; // the order in which they came
    bool        is_match, wants_match;
    char        hash[PASSWORD_HASH_MAX];
    char        password[PASSWORD_BYTES_MAX + 1];
    hasher_done done; // NULL: nobody waits for it any more
    void       *context;
};

// The tasks are the lock's; `done` and `context` the loop's alone.
struct hasher {
    pthread_t        thread;
    bool             has_thread;
    pthread_mutex_t  lock;
    pthread_cond_t   came;
    bool             is_closing;
    uint64_t         number;
    struct task      tasks[PASSWORD_QUEUE_MAX];
    int              done_fd;
    sd_event_source *source;
};

// ---- the thread -------------------------------------------------------------------------------

static struct task *oldest(struct hasher *hasher, enum stage stage)
{
    struct task *found = NULL;

    for (size_t i = 0; i < ELEMENTS(hasher->tasks); i++)
        if (hasher->tasks[i].stage == stage && (!found || hasher->tasks[i].number < found->number))
            found = &hasher->tasks[i];
    return found;
}

// Nobody touches a task that is worked on.
static void work(struct task *task)
{
    struct error ignored; // "" is the answer then

    if (task->wants_match)
        task->is_match = password_matches(task->hash, task->password);
    else if (password_hash(task->hash, task->password, &ignored) < 0)
        task->hash[0] = '\0';
    sodium_memzero(task->password, sizeof task->password);
}

static void *run(void *user)
{
    struct hasher *hasher = user;
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&hasher->lock); // neither fails, of a lock of this kind
    while (!hasher->is_closing) {
        struct task *task = oldest(hasher, WAITING);
        if (!task) {
            (void)pthread_cond_wait(&hasher->came, &hasher->lock);
            continue;
        }
        task->stage = WORKING;
        (void)pthread_mutex_unlock(&hasher->lock);
        work(task);
        (void)pthread_mutex_lock(&hasher->lock);
        task->stage = DONE;
        (void)!write(hasher->done_fd, &one, sizeof one); // it never blocks: who reads resets it
    }
    (void)pthread_mutex_unlock(&hasher->lock);
    return NULL;
}

// ---- the loop ---------------------------------------------------------------------------------

static bool take_done(struct hasher *hasher, struct task *ret)
{
    (void)pthread_mutex_lock(&hasher->lock);
    struct task *task = oldest(hasher, DONE);
    if (task) {
        *ret = *task;
        sodium_memzero(task, sizeof *task);
    }
    (void)pthread_mutex_unlock(&hasher->lock);
    return task;
}

static int tell(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct hasher *hasher = context;
    struct task    task;
    uint64_t       count;

    (void)source;
    (void)events;
    (void)!read(fd, &count, sizeof count); // what counts is the tasks
    while (take_done(hasher, &task)) {
        if (task.done)
            task.done(task.context, task.is_match, task.hash);
        sodium_memzero(&task, sizeof task);
    }
    return 0;
}

// Signals are for the loop.
static int start_thread(struct hasher *hasher, struct error *err)
{
    sigset_t all, before;

    (void)sigfillset(&all); // neither fails
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&hasher->thread, NULL, run, hasher);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return error_sys(err, r, "starting a thread");
    hasher->has_thread = true;
    return 0;
}

int hasher_open(struct hasher **ret, sd_event *event, struct error *err)
{
    AUTO(hasher_closep) struct hasher *hasher = calloc(1, sizeof *hasher);

    if (!hasher)
        return error_sys(err, ENOMEM, "making a hasher");
    (void)pthread_mutex_init(&hasher->lock, NULL); // neither fails, of the usual kind
    (void)pthread_cond_init(&hasher->came, NULL);
    hasher->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hasher->done_fd < 0)
        return error_sys(err, errno, "making an event descriptor");
    int r = sd_event_add_io(event, &hasher->source, hasher->done_fd, EPOLLIN, tell, hasher);
    if (r < 0)
        return error_sys(err, -r, "watching an event descriptor");
    if (start_thread(hasher, err) < 0)
        return -1;
    *ret = TAKE(hasher);
    return 0;
}

struct hasher *hasher_close(struct hasher *hasher)
{
    if (!hasher)
        return NULL;
    (void)pthread_mutex_lock(&hasher->lock);
    hasher->is_closing = true;
    (void)pthread_cond_signal(&hasher->came);
    (void)pthread_mutex_unlock(&hasher->lock);
    if (hasher->has_thread)
        (void)pthread_join(hasher->thread, NULL); // after the one it works on
    (void)sd_event_source_disable_unref(hasher->source);
    (void)fd_close(hasher->done_fd);
    (void)pthread_cond_destroy(&hasher->came);
    (void)pthread_mutex_destroy(&hasher->lock);
    sodium_memzero(hasher, sizeof *hasher);
    free(hasher);
    return NULL;
}

void hasher_closep(struct hasher **hasher)
{
    *hasher = hasher_close(*hasher);
}

// ---- asking -----------------------------------------------------------------------------------

static int ask(struct hasher *hasher, const char *hash, const char *password, hasher_done done,
               void *context, struct error *err)
{
    size_t n = strnlen(password, PASSWORD_BYTES_MAX + 1);

    if (n > PASSWORD_BYTES_MAX)
        return password_check(password, err);
    if (hash && strnlen(hash, PASSWORD_HASH_MAX) == PASSWORD_HASH_MAX)
        return error_set(err, ERROR_INVALID, "it is no hash of a password");
    (void)pthread_mutex_lock(&hasher->lock);
    struct task *task = oldest(hasher, EMPTY);
    if (task) {
        task->stage = WAITING;
        task->number = ++hasher->number;
        task->wants_match = hash;
        (void)strcpy(task->hash, hash ? hash : ""); // it fits
        memcpy(task->password, password, n + 1);
        task->done = done;
        task->context = context;
        (void)pthread_cond_signal(&hasher->came);
    }
    (void)pthread_mutex_unlock(&hasher->lock);
    return task ? 0
                : error_set(err, ERROR_BUSY,
                            "too many people are logging in at this moment: try again soon");
}

int hasher_match(struct hasher *hasher, const char *hash, const char *password, hasher_done done,
                 void *context, struct error *err)
{
    return ask(hasher, hash, password, done, context, err);
}

int hasher_make(struct hasher *hasher, const char *password, hasher_done done, void *context,
                struct error *err)
{
    return password_check(password, err) < 0 ? -1 : ask(hasher, NULL, password, done, context, err);
}

void hasher_forget(struct hasher *hasher, const void *context)
{
    (void)pthread_mutex_lock(&hasher->lock);
    for (size_t i = 0; i < ELEMENTS(hasher->tasks); i++) {
        struct task *task = &hasher->tasks[i];
        if (task->stage == EMPTY || task->context != context)
            continue;
        task->done = NULL;
        if (task->stage == WAITING)
            sodium_memzero(task, sizeof *task);
    }
    (void)pthread_mutex_unlock(&hasher->lock);
}
