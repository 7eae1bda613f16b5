// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "guard/shared.h"

#define STACK_BYTES (256u << 10)
#define PRIORITY    1 // of real time, the lowest

// ---- what both threads do ----------------------------------------------------------------------

uint64_t guard_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// The bound that there is may be too high already, by what was written while it was measured.
void guard_pause(struct guard *guard)
{
    uint64_t end_bytes = atomic_load(&guard->spent_bytes) + GUARD_BEYOND_BYTES;

    atomic_store(&guard->end_bytes, MAX(atomic_load(&guard->end_bytes), end_bytes));
    atomic_store(&guard->is_settled, false);
    atomic_store(&guard->is_paused, true);
}

// ---- the two threads --------------------------------------------------------------------------

// Its priority is of real time where that may be. Otherwise a few busy writers would keep it
// waiting for a hundred milliseconds, in which they write as many megabytes. A sample takes
// microseconds.
static int start_sampler(struct guard *guard, pthread_attr_t *attributes)
{
    const struct sched_param priority = { .sched_priority = PRIORITY };

    (void)pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED); // known values
    (void)pthread_attr_setschedpolicy(attributes, SCHED_FIFO);
    (void)pthread_attr_setschedparam(attributes, &priority);
    int r = pthread_create(&guard->sampler, attributes, sampler_run, guard);
    guard->is_prompt = r == 0;
    if (r != EPERM)
        return r;
    (void)pthread_attr_setinheritsched(attributes, PTHREAD_INHERIT_SCHED);
    return pthread_create(&guard->sampler, attributes, sampler_run, guard);
}

static int start_threads(struct guard *guard, struct error *err)
{
    pthread_attr_t attributes;
    sigset_t       all, before;

    int r = pthread_attr_init(&attributes);
    if (r != 0)
        return error_sys(err, r, "starting the guard");
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES); // more than the least there may be
    (void)sigfillset(&all);                                    // signals are for the main thread
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&guard->looker, &attributes, looker_run, guard);
    guard->n_threads += r == 0;
    if (r == 0)
        r = start_sampler(guard, &attributes);
    guard->n_threads += guard->n_threads == 1 && r == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return r == 0 ? 0 : error_sys(err, r, "starting the guard");
}

static void stop_threads(struct guard *guard)
{
    const uint64_t one = 1;

    if (guard->n_threads > 0)
        (void)!write(guard->stop_fd, &one, sizeof one); // a counter has room for one more
    if (guard->n_threads > 0)
        (void)pthread_join(guard->looker, NULL);
    if (guard->n_threads > 1)
        (void)pthread_join(guard->sampler, NULL);
    guard->n_threads = 0;
}

// ---- the whole --------------------------------------------------------------------------------

static int prepare(struct guard *guard, const struct guard_spec *spec, struct error *err)
{
    guard->bytes_max = spec->bytes_max;
    guard->entries_max = spec->entries_max ? spec->entries_max : MEASURE_ENTRIES_MAX;
    guard->hidden_max_bytes = spec->hidden_max_bytes;
    guard->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    guard->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (guard->wake_fd < 0 || guard->stop_fd < 0)
        return error_sys(err, errno, "preparing the guard");
    if (processes_new(&guard->processes, err) < 0 ||
        look_open(&guard->look, spec->roots, guard->entries_max, err) < 0)
        return -1;
    if (disk_begin(&guard->disk, guard->look.root_fds, guard->look.n_roots, err) < 0)
        return -1;
    guard->looked = guard->disk;
    for (unsigned i = 0; i < guard->look.n_roots; i++)
        guard->is_counted = guard->is_counted || processes_are_counted(guard->look.root_fds[i]);
    return 0;
}

static uint64_t free_min(const struct disk *disk)
{
    return MAX(disk->size_bytes / 50, MIN(GUARD_GIB, disk->size_bytes / 10));
}

static int measure_before(struct guard *guard, const struct guard_spec *spec, struct error *err)
{
    struct look_result result = { 0 };

    guard->free_min_bytes = spec->free_min_bytes ? spec->free_min_bytes : free_min(&guard->disk);
    if (sampler_take(guard, err) < 0 || look_measure_alone(&guard->look, &result.size, err) < 0 ||
        reason_size(guard, result.size, err) < 0)
        return -1;
    guard->last_free = atomic_load(&guard->free_bytes);
    look_remember(&guard->look, &result, guard->last_free, guard_now_us());
    looker_set_thresholds(guard, result.size, guard->disk.spent_bytes, guard->disk.spent_inodes);
    looker_set_freed(guard, guard->disk.freed_bytes);
    guard->sampled_us = 0; // there was nothing to be late for
    guard->looked_us = guard_now_us();
    return 0;
}

int guard_start(struct guard **ret, const struct guard_spec *spec, struct error *err)
{
    struct guard *guard = calloc(1, sizeof *guard);

    if (!guard)
        return error_sys(err, ENOMEM, "starting the guard");
    guard->wake_fd = guard->stop_fd = -1;
    if (prepare(guard, spec, err) < 0 || measure_before(guard, spec, err) < 0 ||
        start_threads(guard, err) < 0) {
        guard_free(guard);
        return -1;
    }
    *ret = guard;
    return 0;
}

int guard_finish(struct guard *guard, struct measured *ret, struct error *err)
{
    struct measured size;

    stop_threads(guard);
    if (atomic_load(&guard->has_ended)) {
        *err = guard->reason;
        return -1;
    }
    if (look_measure_alone(&guard->look, &size, err) < 0 || reason_size(guard, size, err) < 0) {
        guard->reason = *err;
        atomic_store(&guard->has_ended, true);
        return -1;
    }
    *ret = size;
    return 0;
}

bool has_guard_ended(const struct guard *guard)
{
    return atomic_load(&guard->has_ended);
}

struct guard_counts guard_counts(const struct guard *guard)
{
    return (struct guard_counts){ .samples = atomic_load(&guard->n_samples),
                                  .looks = atomic_load(&guard->n_looks),
                                  .late_us = guard->late_us,
                                  .stops = atomic_load(&guard->n_stops),
                                  .stopped_us = guard->stopped_us,
                                  .is_prompt = guard->is_prompt };
}

struct guard *guard_free(struct guard *guard)
{
    if (!guard)
        return NULL;
    stop_threads(guard);
    look_close(&guard->look);
    (void)fd_close(guard->wake_fd);
    (void)fd_close(guard->stop_fd);
    processes_free(guard->processes);
    free(guard);
    return NULL;
}
