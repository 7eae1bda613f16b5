// SPDX-License-Identifier: MIT

// sampler: the thread of a guard that looks how much space has been taken from the disk, by
// whomever, and says when something follows from that.

#include "guard/shared.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

// Between two samples: by how far it is to the next threshold, at more than any disk or memory
// takes.
#define SAMPLE_MIN_US 4000u
#define SAMPLE_MAX_US 20000u
#define BYTES_PER_US  8192u
#define MOTION_STEP_BYTES                                                                          \
    (4 * GUARD_MIB) // spent while everything is stopped, before it is asked by whom

int sampler_take(struct guard *guard, struct error *err)
{
    uint64_t now = guard_now_us();

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
        return reason_disk(guard, err);
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
    if (sampler_take(guard, err) < 0) // what is spent meanwhile is nobody's
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
        return reason_bytes(guard, err);
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
        guard_pause(guard);
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

void *sampler_run(void *user)
{
    struct guard *guard = user;
    struct pollfd fd = { .fd = guard->stop_fd, .events = POLLIN };
    struct error  err = { 0 };

    while (!atomic_load(&guard->has_ended)) {
        if (sampler_take(guard, &err) < 0 || act(guard, &err) < 0) {
            reason_end(guard, guard->processes, &err);
            return NULL;
        }
        struct timespec timeout = until_next(guard);
        if (ppoll(&fd, 1, &timeout, NULL) != 0)
            break;
    }
    return NULL;
}
