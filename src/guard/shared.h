// SPDX-License-Identifier: MIT
#pragma once

// shared: what the two threads of a guard share. For guard.c, sampler.c, looker.c and reasons.c
// alone.
//
// The sampler looks at the disk every few milliseconds and says when something is due; the looker
// walks the trees then. Whatever one tells the other is atomic; all else is one's own.

#include <pthread.h>
#include <stdatomic.h>
#include "guard/disk.h"
#include "guard/guard.h"
#include "guard/look.h"

#define GUARD_MIB UINT64_C(1048576)
#define GUARD_GIB (UINT64_C(1024) * GUARD_MIB)

// Of growth between two measurements, and so beyond the limit.
#define GUARD_STEP_MIN_BYTES (8 * GUARD_MIB)
// Beyond the limit: a writer that does not stop is killed.
#define GUARD_BEYOND_BYTES (16 * GUARD_MIB)

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

uint64_t guard_now_us(void);
// Everything is about to be told to stop: from here on somebody must write GUARD_BEYOND_BYTES to be
// ended for it.
void guard_pause(struct guard *guard);

// ---- sampler.c, looker.c: the threads; `user` is a struct guard -------------------------------

void *sampler_run(void *user);
void *looker_run(void *user);
// One sample, which may be a reason to end it.
int sampler_take(struct guard *guard, struct error *err) MUST_USE;
// From what was measured, and what was spent when that began.
void looker_set_thresholds(struct guard *guard, struct measured size, uint64_t bytes,
                           uint64_t inodes);
// From now on so much may be given back until it is measured again for it.
void looker_set_freed(struct guard *guard, uint64_t freed_bytes);

// ---- reasons.c: why it ends what runs; each fills the error and returns -1 ---------------------

// Ends what runs, for the reason in `why`. The first reason is the one.
void reason_end(struct guard *guard, struct processes *processes, const struct error *why);
int  reason_bytes(const struct guard *guard, struct error *err);
int  reason_disk(const struct guard *guard, struct error *err);
int  reason_hidden(const struct holders_opaque *opaque, struct error *err);
// 0 if that much may be there.
int reason_size(const struct guard *guard, struct measured size, struct error *err) MUST_USE;
