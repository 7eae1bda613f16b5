// SPDX-License-Identifier: MIT
#pragma once

// guard: holds what our own children write to a limit while they write it, and ends them beyond.
//
// What counts is the disk that some trees take, and what their writers hold without a name. Walking
// the trees takes too long to be done all the time. In between, a thread samples how much space has
// been taken from the disk, by whomever: the size that was measured last and that sum together are
// a bound that the real size cannot exceed. When the bound has come half way to the limit it is
// measured again, beside the writers; they can move things around the walk, but not without it
// missing on the disk. When that is so, or when the bound has reached the limit, everything is
// stopped (SIGSTOP), measured exactly, and killed or let go on. A writer that cannot be stopped,
// since it is inside a long write, is killed as soon as the bound is beyond the limit; unless all
// of ours rest, or the kernel's counts of what each has written say that it was others who wrote.
//
// More limits end what runs: the number of names, a floor of the disk's free space, and the number
// of sockets, which are counted every second. And whoever hides what it holds is ended when more
// space is missing than can be explained.
//
// The sampling thread takes a priority of real time if RLIMIT_RTPRIO lets it; a child must not be
// let. Without it, writers that keep all processors busy get further beyond the limit.
//
// Anything the guard cannot do ends what runs as well. Children of this process must not be able to
// change it: see PR_SET_DUMPABLE in prctl(2).

#include <stdint.h>
#include "base/error.h"
#include "guard/measure.h"

#define GUARD_ROOTS_MAX 2u

struct guard_spec {
    const char *roots[GUARD_ROOTS_MAX]; // directories, as the children see them; NULL: no more
    uint64_t    bytes_max;
    uint64_t    entries_max;      // files and directories; 0: MEASURE_ENTRIES_MAX
    uint64_t    hidden_max_bytes; // that may be unexplained while somebody can hide something
    uint64_t    free_min_bytes;   // of the disk; 0: 2 % of it, and at least 1 GiB or 10 %
};

// What went by, for whoever wants to know what the guard costs.
struct guard_counts {
    uint64_t samples, looks, stops, stopped_us;
    uint64_t late_us;   // the longest time between two samples
    bool     is_prompt; // it does not have to wait for a processor
};

struct guard;

// Measures what is there, which may already be too much, and begins to watch. From now on nobody
// but children of this process may write to the roots.
int guard_start(struct guard **ret, const struct guard_spec *spec, struct error *err) MUST_USE;
// When no child is left: measures once more and stops watching. Fails with the reason if what ran
// was ended or has grown too large; that may be asked again.
int guard_finish(struct guard *guard, struct measured *ret, struct error *err) MUST_USE;
// Whether what ran has been ended.
bool                has_guard_ended(const struct guard *guard);
struct guard_counts guard_counts(const struct guard *guard);
struct guard       *guard_free(struct guard *guard); // takes NULL, returns NULL
