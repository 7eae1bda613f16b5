// SPDX-License-Identifier: MIT

// looker: the thread of a guard that measures: beside those who write where that will do, and else
// while everything is stopped.

#include "guard/shared.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include "guard/sockets.h"

#define MISSED_MAX_BYTES (16 * GUARD_MIB) // of a measurement beside those who write
#define STEP_MIN_ENTRIES 10000u
#define SOCKETS_EVERY_US 1000000u
#define EVERY_US         30000000u // a measurement without a threshold, if the disk has changed
#define SHARE            50u       // and at least so many times as long as the last one took
#define FREED_SHARE      10u       // likewise, when others have given space back

// More is missing on the disk than was found, and somebody may have it.
static int check_hidden(struct guard *guard, const struct look_result *result, struct error *err)
{
    uint64_t free_bytes = atomic_load(&guard->free_bytes);

    if (!look_is_opaque(result)) {
        look_remember(&guard->look, result, free_bytes, guard_now_us());
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
               : reason_hidden(&result->opaque, err);
}

void looker_set_thresholds(struct guard *guard, struct measured size, uint64_t bytes,
                           uint64_t inodes)
{
    uint64_t room = guard->bytes_max - MIN(size.bytes, guard->bytes_max);
    uint64_t room_entries = guard->entries_max - MIN(size.entries, guard->entries_max);
    uint64_t end = guard->bytes_max + GUARD_BEYOND_BYTES;

    guard->room = room;
    if (room_entries == 0) // and so not all of the size is known
        end = size.bytes + GUARD_BEYOND_BYTES;
    atomic_store(&guard->end_bytes, bytes + end - MIN(size.bytes, end));
    atomic_store(&guard->stop_bytes, bytes + room + GUARD_STEP_MIN_BYTES);
    atomic_store(&guard->stop_inodes, inodes + room_entries + STEP_MIN_ENTRIES);
    atomic_store(&guard->look_bytes, bytes + MAX(room / 2, GUARD_STEP_MIN_BYTES));
    atomic_store(&guard->look_inodes, inodes + MAX(room_entries / 2, STEP_MIN_ENTRIES));
}

void looker_set_freed(struct guard *guard, uint64_t freed_bytes)
{
    atomic_store(&guard->look_freed_bytes,
                 freed_bytes + MAX(guard->room / 2, GUARD_STEP_MIN_BYTES));
}

// Measures beside those who write. What moves can be moved around the walk; but then the disk has
// less than it should, by more than what was written meanwhile. True: it will do.
static bool look_beside(struct guard *guard, bool is_asked)
{
    struct look_result result = { 0 };
    struct error       ignored; // names come and go; what is wrong will be so when all stands still
    uint64_t bytes = atomic_load(&guard->spent_bytes), inodes = atomic_load(&guard->spent_inodes);

    if (look_measure_moving(&guard->look, &result, &ignored) < 0 ||
        reason_size(guard, result.size, &ignored) < 0)
        return false;
    uint64_t meanwhile = atomic_load(&guard->spent_bytes) - bytes;
    if (look_missing(&guard->look, &result, atomic_load(&guard->free_bytes)) >
        MISSED_MAX_BYTES + meanwhile)
        return !is_asked; // the bound that there is holds as well
    looker_set_thresholds(guard, result.size, bytes, inodes);
    return true;
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
    looker_set_thresholds(guard, result.size, bytes, inodes);
    atomic_store(&guard->is_settled, result.is_exact);
    *ret_is_exact = result.is_exact;
    if (!result.is_exact)
        return 0;
    return reason_size(guard, result.size, err) < 0 ? -1 : check_hidden(guard, &result, err);
}

// The sampler may end it meanwhile.
static int look_stopped(struct guard *guard, struct error *err)
{
    uint64_t began_us = guard_now_us();
    bool     is_exact = false;

    if (!atomic_load(&guard->is_paused)) // by the sampler
        guard_pause(guard);
    while (!is_exact && !atomic_load(&guard->has_ended))
        if (look_once(guard, &is_exact, err) < 0)
            return -1;
    atomic_fetch_add(&guard->n_stops, 1);
    guard->stopped_us += guard_now_us() - began_us;
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
    uint64_t began_us = guard_now_us(), freed_bytes = atomic_load(&guard->freed_bytes);

    atomic_store(&guard->is_asked, true);
    bool is_enough = !atomic_load(&guard->is_paused) && look_beside(guard, is_asked);
    if ((!is_enough || atomic_load(&guard->is_paused)) && look_stopped(guard, err) < 0)
        return -1;
    atomic_fetch_add(&guard->n_looks, 1);
    guard->last_free = atomic_load(&guard->free_bytes);
    guard->look_us = guard_now_us() - began_us;
    looker_set_freed(guard, freed_bytes);
    atomic_store(&guard->look_freed_us, began_us + FREED_SHARE * guard->look_us);
    atomic_store(&guard->is_asked, false);
    return 0;
}

// ---- the thread --------------------------------------------------------------------------------

// By now and then: a port that one has taken another one cannot have.
static int check_sockets(struct guard *guard, struct error *err)
{
    uint64_t began_us = guard_now_us();
    uint32_t n = 0;

    if (began_us < guard->sockets_us)
        return 0;
    if (processes_list(guard->look.processes, err) < 0 ||
        sockets_count(&n, guard->look.processes, err) < 0)
        return -1;
    if (n > SOCKETS_COUNT_MAX)
        return error_set(err, ERROR_NO_SPACE, "more than %u sockets are open", SOCKETS_COUNT_MAX);
    guard->sockets_us = guard_now_us() + MAX(SOCKETS_EVERY_US, SHARE * (guard_now_us() - began_us));
    return 0;
}

// Once in a while, whether or not it was asked for, if the disk has changed.
static int look_around(struct guard *guard, bool is_asked, struct error *err)
{
    uint64_t every_us = MAX(EVERY_US, SHARE * guard->look_us);

    if (check_sockets(guard, err) < 0)
        return -1;
    if (!is_asked && (guard_now_us() < guard->looked_us + every_us ||
                      atomic_load(&guard->free_bytes) == guard->last_free))
        return 0;
    int r = look(guard, is_asked, err);
    guard->looked_us = guard_now_us();
    return r;
}

void *looker_run(void *user)
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
            reason_end(guard, guard->look.processes, &err);
            return NULL;
        }
    }
}
