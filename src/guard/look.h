// SPDX-License-Identifier: MIT
#pragma once

// look: measures what some trees take, with what is held without a name, and tells whether
// everything stood still meanwhile.

#include "guard/holders.h"

#define LOOK_ROOTS_MAX HOLDERS_ROOTS_MAX

struct look {
    unsigned             n_roots;
    int                  root_fds[LOOK_ROOTS_MAX];
    struct holders_roots roots;
    struct processes    *processes;
    struct measure      *measure;

    // Free space and size together, which only others change: what is to be expected, what is when
    // that has become less, and since when that is known.
    uint64_t known, next, since_us;
};

struct look_result {
    struct measured       size;
    struct holders_opaque opaque;
    bool                  is_exact;
};

// `roots` is of LOOK_ROOTS_MAX; NULL: no more.
int look_open(struct look *ret, const char *const *roots, uint64_t entries_max, struct error *err)
    MUST_USE;
void look_close(struct look *look);

// Waits until what was stopped rests, but not for long: a process may be inside the kernel for
// minutes. *ret: how much has run until now.
int look_settle(struct look *look, struct processes_motion *ret, struct error *err) MUST_USE;
// Measures what look_settle() left; `since` is what it found.
int look_measure(struct look *look, struct look_result *ret, const struct processes_motion *since,
                 struct error *err) MUST_USE;
// Measures beside those who may move it: never exact.
int look_measure_moving(struct look *look, struct look_result *ret, struct error *err) MUST_USE;
// Measures when there is nobody.
int look_measure_alone(struct look *look, struct measured *ret, struct error *err) MUST_USE;

bool look_is_opaque(const struct look_result *result);
// How many bytes are missing on the disk that nobody was found to have. Others write as well.
uint64_t look_missing(const struct look *look, const struct look_result *result,
                      uint64_t free_bytes);
// To be told of each exact measurement that is not opaque: what is missing then has gone to others.
void look_remember(struct look *look, const struct look_result *result, uint64_t free_bytes,
                   uint64_t now_us);
