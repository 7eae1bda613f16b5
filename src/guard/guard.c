// SPDX-License-Identifier: MIT
#include "guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "guard/disk.h"
#include "guard/look.h"
#include "guard/sockets.h"

#define MIB UINT64_C(1048576)
#define GIB (UINT64_C(1024) * MIB)

// Between two samples: by how far it is to the next threshold, at more than any disk or memory
// takes.
#define SAMPLE_MIN_US     4000u
#define SAMPLE_MAX_US     20000u
#define BYTES_PER_US      8192u
#define STEP_MIN_BYTES    (8 * MIB)  // of growth between two measurements, and so beyond the limit
#define BEYOND_BYTES      (16 * MIB) // beyond it, and a writer that does not stop is killed
#define MISSED_MAX_BYTES  (16 * MIB) // of a measurement beside those who write
#define MOTION_STEP_BYTES (4 * MIB) // spent while everything is stopped, before it is asked by whom
#define STEP_MIN_ENTRIES  10000u
#define SOCKETS_EVERY_US  1000000u
#define EVERY_US          30000000u // a measurement without a threshold, if the disk has changed
#define SHARE             50u       // and at least so many times as long as the last one took
#define FREED_SHARE       10u       // likewise, when others have given space back
#define STACK_BYTES       (256u << 10)
#define PRIORITY          1 // of real time, the lowest

// What ours have done until some moment, and what everybody had spent then.
struct motion {
    struct processes_motion tasks;
    uint64_t                written;
    bool                    is_written_known;
    uint64_t                spent_bytes;
};

struct guard {
    uint64_t  bytes_max, entries_max, hidden_max_bytes, free_min_bytes;
    int       wake_fd, stop_fd; // eventfds: a measurement is due; it is over
    pthread_t sampler, looker;
    unsigned  n_threads;
    bool      is_prompt; // the sampler has a priority of real time

    // The sampler's. Each has a list of processes of its own.
    struct disk       disk;
    struct processes *processes;
    uint64_t          sampled_us, late_us;
    bool              is_counted;   // who writes what
    struct motion     motion;       // when it was last asked who moves
    uint64_t          others_bytes; // of what is spent beyond others_end is theirs
    uint64_t          others_end;

    // The looker's.
    struct look look;
    struct disk looked;     // its own samples
    uint64_t    room;       // from the size to the limit
    uint64_t    last_free;  // at the last measurement
    uint64_t    look_us;    // which took so long
    uint64_t    looked_us;  // and ended then
    uint64_t    sockets_us; // not before then they are counted again
    uint64_t    stopped_us;

    // The sampler tells how much is spent, the looker of how much of it something is due: to look,
    // to stop everything for that, to end it.
    _Atomic uint64_t spent_bytes, spent_inodes, freed_bytes, free_bytes;
    _Atomic uint64_t look_bytes, look_inodes, stop_bytes, stop_inodes, end_bytes;
    _Atomic uint64_t look_freed_bytes, look_freed_us; // and not before
    _Atomic bool     is_asked, is_paused;
    _Atomic bool     is_settled; // what is paused has been seen to rest
    _Atomic uint64_t n_samples, n_looks, n_stops;

    _Atomic bool has_ended;
    struct error reason; // that of whoever set has_ended
};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// ---- the end ----------------------------------------------------------------------------------

// Ends what runs, for the reason in `why`. The first reason is the one.
static void end(struct guard *guard, struct processes *processes, const struct error *why)
{
    struct error ignored;

    if (!atomic_exchange(&guard->has_ended, true))
        guard->reason = *why;
    // As process 1 this is one call. Otherwise it may fail to find all of them: the init system
    // does the rest.
    if (processes_signal(processes, SIGKILL, &ignored) < 0)
        return;
}

static void show_bytes(char ret[32], uint64_t bytes)
{
    bool is_giga = bytes >= GIB;

    (void)snprintf(ret, 32, "%.1f %s", (double)bytes / (double)(is_giga ? GIB : MIB),
                   is_giga ? "GiB" : "MiB"); // it fits
}

static int say_bytes(const struct guard *guard, struct error *err)
{
    char shown[32];

    show_bytes(shown, guard->bytes_max);
    return error_set(err, ERROR_NO_SPACE, "the output has grown beyond its limit of %s", shown);
}

static int say_disk(const struct guard *guard, struct error *err)
{
    char shown[32];

    if (guard->disk.is_out_of_inodes)
        return error_set(err, ERROR_NO_SPACE,
                         "there is hardly any space left for more files on the disk");
    show_bytes(shown, guard->free_min_bytes);
    return error_set(err, ERROR_NO_SPACE, "less than %s of space is left on the disk", shown);
}

static int say_entries(const struct guard *guard, struct error *err)
{
    return error_set(err, ERROR_NO_SPACE,
                     "the output has more than %" PRIu64 " files and directories",
                     guard->entries_max);
}

static int say_hidden(const struct holders_opaque *opaque, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "a process hides what it has open, and more space is gone than can be "
                     "explained (%" PRIu64 " unreadable, %" PRIu64 " in sockets, %" PRIu64
                     " mapped)",
                     opaque->n_hidden, opaque->n_in_flight, opaque->n_mapped);
}

static int check_size(const struct guard *guard, struct measured size, struct error *err)
{
    if (size.entries > guard->entries_max)
        return say_entries(guard, err);
    return size.bytes > guard->bytes_max ? say_bytes(guard, err) : 0;
}

// ---- measuring --------------------------------------------------------------------------------

// More is missing on the disk than was found, and somebody may have it.
static int check_hidden(struct guard *guard, const struct look_result *result, struct error *err)
{
    uint64_t free_bytes = atomic_load(&guard->free_bytes);

    if (!look_is_opaque(result)) {
        look_remember(&guard->look, result, free_bytes, now_us());
        return 0;
    }
    if (look_missing(&guard->look, result, free_bytes) <= guard->hidden_max_bytes)
        return 0;
    // What was removed is free again only when the file system has written that down.
    if (syncfs(guard->look.root_fds[0]) < 0)
        return error_sys(err, errno, "writing to the disk");
    if (disk_sample(&guard->looked, err) < 0)
        return -1;
    free_bytes = guard->looked.free_bytes;
    return look_missing(&guard->look, result, free_bytes) <= guard->hidden_max_bytes
               ? 0
               : say_hidden(&result->opaque, err);
}

// From what was measured, and what was spent when that began.
static void set_thresholds(struct guard *guard, struct measured size, uint64_t bytes,
                           uint64_t inodes)
{
    uint64_t room = guard->bytes_max - MIN(size.bytes, guard->bytes_max);
    uint64_t room_entries = guard->entries_max - MIN(size.entries, guard->entries_max);
    uint64_t end = guard->bytes_max + BEYOND_BYTES;

    guard->room = room;
    if (room_entries == 0) // and so not all of the size is known
        end = size.bytes + BEYOND_BYTES;
    atomic_store(&guard->end_bytes, bytes + end - MIN(size.bytes, end));
    atomic_store(&guard->stop_bytes, bytes + room + STEP_MIN_BYTES);
    atomic_store(&guard->stop_inodes, inodes + room_entries + STEP_MIN_ENTRIES);
    atomic_store(&guard->look_bytes, bytes + MAX(room / 2, STEP_MIN_BYTES));
    atomic_store(&guard->look_inodes, inodes + MAX(room_entries / 2, STEP_MIN_ENTRIES));
}

// Measures beside those who write. What moves can be moved around the walk; but then the disk has
// less than it should, by more than what was written meanwhile. True: it will do.
static bool look_beside(struct guard *guard, bool is_asked)
{
    struct look_result result = { 0 };
    struct error       ignored; // names come and go; what is wrong will be so when all stands still
    uint64_t bytes = atomic_load(&guard->spent_bytes), inodes = atomic_load(&guard->spent_inodes);

    if (look_measure_moving(&guard->look, &result, &ignored) < 0 ||
        check_size(guard, result.size, &ignored) < 0)
        return false;
    uint64_t meanwhile = atomic_load(&guard->spent_bytes) - bytes;
    if (look_missing(&guard->look, &result, atomic_load(&guard->free_bytes)) >
        MISSED_MAX_BYTES + meanwhile)
        return !is_asked; // the bound that there is holds as well
    set_thresholds(guard, result.size, bytes, inodes);
    return true;
}

// Everything is about to be told to stop: from here on somebody must write BEYOND_BYTES to be ended
// for it. The bound that there is may be too high already, by what was written while it was
// measured.
static void pause_all(struct guard *guard)
{
    uint64_t end_bytes = atomic_load(&guard->spent_bytes) + BEYOND_BYTES;

    atomic_store(&guard->end_bytes, MAX(atomic_load(&guard->end_bytes), end_bytes));
    atomic_store(&guard->is_settled, false);
    atomic_store(&guard->is_paused, true);
}

// Measures once while everything is stopped. A size during which something moved may be too large,
// too: only one that is exact is a reason to end it.
static int look_once(struct guard *guard, bool *ret_is_exact, struct error *err)
{
    struct processes_motion since;
    struct look_result      result = { 0 };

    if (look_settle(&guard->look, &since, err) < 0)
        return -1;
    uint64_t bytes = atomic_load(&guard->spent_bytes), inodes = atomic_load(&guard->spent_inodes);
    atomic_store(&guard->is_settled, !since.is_running);
    if (look_measure(&guard->look, &result, &since, err) < 0)
        return -1;
    // What was spent while nothing of ours moved was spent by others.
    if (result.is_exact && result.opaque.n_hidden == 0) {
        bytes = atomic_load(&guard->spent_bytes);
        inodes = atomic_load(&guard->spent_inodes);
    }
    set_thresholds(guard, result.size, bytes, inodes);
    atomic_store(&guard->is_settled, result.is_exact);
    *ret_is_exact = result.is_exact;
    if (!result.is_exact)
        return 0;
    return check_size(guard, result.size, err) < 0 ? -1 : check_hidden(guard, &result, err);
}

// The sampler may end it meanwhile.
static int look_stopped(struct guard *guard, struct error *err)
{
    uint64_t began_us = now_us();
    bool     is_exact = false;

    if (!atomic_load(&guard->is_paused)) // by the sampler
        pause_all(guard);
    while (!is_exact && !atomic_load(&guard->has_ended))
        if (look_once(guard, &is_exact, err) < 0)
            return -1;
    atomic_fetch_add(&guard->n_stops, 1);
    guard->stopped_us += now_us() - began_us;
    atomic_store(&guard->is_paused, false);
    if (atomic_load(&guard->has_ended))
        return 0;
    return processes_signal(guard->look.processes, SIGCONT, err);
}

// `is_asked`: the sampler wants a new bound. Stops everything only where there is no other way:
// whoever waits for a child may learn that it was stopped, and a shell with job control goes on
// then.
static int look(struct guard *guard, bool is_asked, struct error *err)
{
    uint64_t began_us = now_us(), freed_bytes = atomic_load(&guard->freed_bytes);

    atomic_store(&guard->is_asked, true);
    bool is_enough = !atomic_load(&guard->is_paused) && look_beside(guard, is_asked);
    if ((!is_enough || atomic_load(&guard->is_paused)) && look_stopped(guard, err) < 0)
        return -1;
    atomic_fetch_add(&guard->n_looks, 1);
    guard->last_free = atomic_load(&guard->free_bytes);
    guard->look_us = now_us() - began_us;
    atomic_store(&guard->look_freed_bytes, freed_bytes + MAX(guard->room / 2, STEP_MIN_BYTES));
    atomic_store(&guard->look_freed_us, began_us + FREED_SHARE * guard->look_us);
    atomic_store(&guard->is_asked, false);
    return 0;
}

// ---- the two threads --------------------------------------------------------------------------

// By now and then: a port that one has taken another one cannot have.
static int check_sockets(struct guard *guard, struct error *err)
{
    uint64_t began_us = now_us();
    uint32_t n = 0;

    if (began_us < guard->sockets_us)
        return 0;
    if (processes_list(guard->look.processes, err) < 0 ||
        sockets_count(&n, guard->look.processes, err) < 0)
        return -1;
    if (n > SOCKETS_COUNT_MAX)
        return error_set(err, ERROR_NO_SPACE, "more than %u sockets are open", SOCKETS_COUNT_MAX);
    guard->sockets_us = now_us() + MAX(SOCKETS_EVERY_US, SHARE * (now_us() - began_us));
    return 0;
}

// Once in a while, whether or not it was asked for, if the disk has changed.
static int look_around(struct guard *guard, bool is_asked, struct error *err)
{
    uint64_t every_us = MAX(EVERY_US, SHARE * guard->look_us);

    if (check_sockets(guard, err) < 0)
        return -1;
    if (!is_asked && (now_us() < guard->looked_us + every_us ||
                      atomic_load(&guard->free_bytes) == guard->last_free))
        return 0;
    int r = look(guard, is_asked, err);
    guard->looked_us = now_us();
    return r;
}

static void *run_looker(void *user)
{
    struct guard *guard = user;
    struct pollfd fds[] = { { .fd = guard->wake_fd, .events = POLLIN },
                            { .fd = guard->stop_fd, .events = POLLIN } };
    struct error  err = { 0 };
    uint64_t      count;

    for (;;) {
        int n = poll(fds, ELEMENTS(fds), SOCKETS_EVERY_US / 1000);
        if (fds[1].revents)
            return NULL;
        if (n > 0)
            (void)!read(guard->wake_fd, &count,
                        sizeof count); // it does not block, and says no more
        if (look_around(guard, n > 0, &err) < 0) {
            end(guard, guard->look.processes, &err);
            return NULL;
        }
    }
}

static int sample(struct guard *guard, struct error *err)
{
    uint64_t now = now_us();

    if (guard->sampled_us > 0)
        guard->late_us = MAX(guard->late_us, now - guard->sampled_us);
    guard->sampled_us = now;
    if (disk_sample(&guard->disk, err) < 0)
        return -1;
    atomic_store(&guard->spent_bytes, guard->disk.spent_bytes);
    atomic_store(&guard->spent_inodes, guard->disk.spent_inodes);
    atomic_store(&guard->freed_bytes, guard->disk.freed_bytes);
    atomic_store(&guard->free_bytes, guard->disk.free_bytes);
    atomic_fetch_add(&guard->n_samples, 1);
    if (guard->disk.available_bytes < guard->free_min_bytes || guard->disk.is_out_of_inodes)
        return say_disk(guard, err);
    return 0;
}

static int ask(struct guard *guard, struct error *err)
{
    const uint64_t one = 1;

    if (atomic_exchange(&guard->is_asked, true))
        return 0;
    if (write(guard->wake_fd, &one, sizeof one) != (ssize_t)sizeof one)
        return error_sys(err, errno, "asking for a measurement");
    return 0;
}

// What ours have spent at most since this was last asked; UINT64_MAX: that cannot be told.
static uint64_t spent_by_ours(const struct guard *guard, const struct motion *before)
{
    const struct motion *now = &guard->motion;

    if (processes_count_hidden(guard->processes) > 0)
        return UINT64_MAX;
    if (processes_rested(&before->tasks, &now->tasks))
        return 0;
    if (!guard->is_counted || !before->is_written_known || !now->is_written_known ||
        before->tasks.n_tasks != now->tasks.n_tasks || before->tasks.mix != now->tasks.mix ||
        now->written < before->written)
        return UINT64_MAX;
    return 2 * (now->written - before->written); // what belongs to a file comes on top
}

// Of what was spent since this was last asked, the rest was spent by others.
static int see_others(struct guard *guard, struct error *err)
{
    struct motion before = guard->motion;
    uint64_t      spent = guard->disk.spent_bytes - before.spent_bytes;

    if (processes_list(guard->processes, err) < 0 ||
        processes_motion(&guard->motion.tasks, guard->processes, err) < 0)
        return -1;
    guard->motion.is_written_known = processes_written(&guard->motion.written, guard->processes);
    guard->others_bytes += spent - MIN(spent, spent_by_ours(guard, &before));
    if (sample(guard, err) < 0) // what is spent meanwhile is nobody's
        return -1;
    guard->motion.spent_bytes = guard->disk.spent_bytes;
    return 0;
}

// All are told to stop, and yet somebody goes on writing: one of ours, who is inside a long write,
// or others. Whoever is measured is settled.
static int act_paused(struct guard *guard, struct error *err)
{
    uint64_t end_bytes = atomic_load(&guard->end_bytes);

    if (end_bytes != guard->others_end)
        guard->others_bytes = 0;
    guard->others_end = end_bytes;
    if (!atomic_load(&guard->is_settled) &&
        guard->disk.spent_bytes > guard->motion.spent_bytes + MOTION_STEP_BYTES &&
        see_others(guard, err) < 0)
        return -1;
    bool is_over = guard->disk.spent_bytes > end_bytes + guard->others_bytes;
    if (is_over && !atomic_load(&guard->is_settled))
        return say_bytes(guard, err);
    return ask(guard, err); // the looker may just have been done, and not have seen it
}

// What follows from a sample.
static int act(struct guard *guard, struct error *err)
{
    const struct disk *disk = &guard->disk;

    if (atomic_load(&guard->is_paused))
        return act_paused(guard, err);
    if (disk->spent_bytes > atomic_load(&guard->stop_bytes) ||
        disk->spent_inodes > atomic_load(&guard->stop_inodes)) {
        pause_all(guard);
        if (processes_signal(guard->processes, SIGSTOP, err) < 0 || see_others(guard, err) < 0)
            return -1;
        guard->others_bytes = 0; // nobody was stopped before
        return ask(guard, err);
    }
    // As much as was given back, somebody may have written unseen.
    bool is_dim = disk->freed_bytes > atomic_load(&guard->look_freed_bytes) &&
                  guard->sampled_us >= atomic_load(&guard->look_freed_us);
    bool is_due = disk->spent_bytes > atomic_load(&guard->look_bytes) ||
                  disk->spent_inodes > atomic_load(&guard->look_inodes);
    return is_dim || is_due ? ask(guard, err) : 0;
}

static struct timespec until_next(const struct guard *guard)
{
    uint64_t stop_bytes = atomic_load(&guard->stop_bytes), spent = guard->disk.spent_bytes;
    uint64_t room = stop_bytes > spent ? stop_bytes - spent : 0;
    uint64_t room_disk = guard->disk.available_bytes - guard->free_min_bytes;
    uint64_t us = MIN(MAX(MIN(room, room_disk) / BYTES_PER_US, SAMPLE_MIN_US), SAMPLE_MAX_US);

    return (struct timespec){ .tv_nsec = (long)us * 1000 };
}

static void *run_sampler(void *user)
{
    struct guard *guard = user;
    struct pollfd fd = { .fd = guard->stop_fd, .events = POLLIN };
    struct error  err = { 0 };

    while (!atomic_load(&guard->has_ended)) {
        if (sample(guard, &err) < 0 || act(guard, &err) < 0) {
            end(guard, guard->processes, &err);
            return NULL;
        }
        struct timespec timeout = until_next(guard);
        if (ppoll(&fd, 1, &timeout, NULL) != 0)
            break;
    }
    return NULL;
}

// Its priority is of real time where that may be. Otherwise a few busy writers would keep it
// waiting for a hundred milliseconds, in which they write as many megabytes. A sample takes
// microseconds.
static int start_sampler(struct guard *guard, pthread_attr_t *attributes)
{
    const struct sched_param priority = { .sched_priority = PRIORITY };

    (void)pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED); // known values
    (void)pthread_attr_setschedpolicy(attributes, SCHED_FIFO);
    (void)pthread_attr_setschedparam(attributes, &priority);
    int r = pthread_create(&guard->sampler, attributes, run_sampler, guard);
    guard->is_prompt = r == 0;
    if (r != EPERM)
        return r;
    (void)pthread_attr_setinheritsched(attributes, PTHREAD_INHERIT_SCHED);
    return pthread_create(&guard->sampler, attributes, run_sampler, guard);
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
    r = pthread_create(&guard->looker, &attributes, run_looker, guard);
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
    return MAX(disk->size_bytes / 50, MIN(GIB, disk->size_bytes / 10));
}

static int measure_before(struct guard *guard, const struct guard_spec *spec, struct error *err)
{
    struct look_result result = { 0 };

    guard->free_min_bytes = spec->free_min_bytes ? spec->free_min_bytes : free_min(&guard->disk);
    if (sample(guard, err) < 0 || look_measure_alone(&guard->look, &result.size, err) < 0 ||
        check_size(guard, result.size, err) < 0)
        return -1;
    guard->last_free = atomic_load(&guard->free_bytes);
    look_remember(&guard->look, &result, guard->last_free, now_us());
    set_thresholds(guard, result.size, guard->disk.spent_bytes, guard->disk.spent_inodes);
    atomic_store(&guard->look_freed_bytes,
                 guard->disk.freed_bytes + MAX(guard->room / 2, STEP_MIN_BYTES));
    guard->sampled_us = 0; // there was nothing to be late for
    guard->looked_us = now_us();
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
    if (look_measure_alone(&guard->look, &size, err) < 0 || check_size(guard, size, err) < 0) {
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
