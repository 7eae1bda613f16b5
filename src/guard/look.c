// SPDX-License-Identifier: MIT
#include "guard/look.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include "base/fd.h"

#define SETTLE_TURNS 50u       // of a millisecond
#define LATE_US      10000000u // by which file systems have told what is free

static int open_root(struct look *look, const char *path, struct error *err)
{
    struct statx st;
    int          fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%.100s' to watch it", path);
    look->root_fds[look->n_roots] = fd;
    if (statx(fd, "", AT_EMPTY_PATH, MEASURE_STATX, &st) < 0) {
        (void)fd_close(fd);
        return error_sys(err, errno, "looking at '%.100s'", path);
    }
    look->roots.paths[look->n_roots] = path;
    look->roots.mounts[look->n_roots] = st.stx_mnt_id;
    look->roots.n = ++look->n_roots;
    return 0;
}

int look_open(struct look *ret, const char *const *roots, uint64_t entries_max, struct error *err)
{
    struct look look = { 0 };

    if (processes_new(&look.processes, err) < 0 ||
        measure_new(&look.measure, entries_max, err) < 0) {
        look_close(&look);
        return -1;
    }
    for (unsigned i = 0; i < LOOK_ROOTS_MAX && roots[i]; i++)
        if (open_root(&look, roots[i], err) < 0) {
            look_close(&look);
            return -1;
        }
    *ret = look;
    return 0;
}

void look_close(struct look *look)
{
    while (look->n_roots > 0)
        (void)fd_close(look->root_fds[--look->n_roots]);
    look->processes = processes_free(look->processes);
    look->measure = measure_free(look->measure);
}

int look_settle(struct look *look, struct processes_motion *ret, struct error *err)
{
    const struct timespec   millisecond = { .tv_nsec = 1000000 };
    struct processes_motion before, after = { .is_running = true };

    for (unsigned turn = 0; turn < SETTLE_TURNS; turn++) {
        before = after;
        // Also those that one which had not stopped yet has started meanwhile.
        if (processes_signal(look->processes, SIGSTOP, err) < 0 ||
            processes_list(look->processes, err) < 0 ||
            processes_motion(&after, look->processes, err) < 0)
            return -1;
        if (processes_rested(&before, &after)) {
            *ret = after;
            return 0;
        }
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &millisecond, NULL); // shorter does no harm
    }
    after.is_running = true; // for all we know
    *ret = after;
    return 0;
}

static int measure_roots(struct look *look, struct error *err)
{
    measure_begin(look->measure);
    for (unsigned i = 0; i < look->n_roots; i++)
        if (measure_add_tree(look->measure, look->root_fds[i], err) < 0)
            return -1;
    return 0;
}

int look_measure(struct look *look, struct look_result *ret, const struct processes_motion *since,
                 struct error *err)
{
    struct processes_motion now;

    if (measure_roots(look, err) < 0 ||
        holders_measure(&ret->opaque, look->measure, look->processes, &look->roots, err) < 0)
        return -1;
    ret->size = measure_sum(look->measure);
    ret->opaque.n_hidden += processes_count_hidden(look->processes);
    if (processes_list(look->processes, err) < 0 ||
        processes_motion(&now, look->processes, err) < 0)
        return -1;
    ret->is_exact = processes_rested(since, &now);
    return 0;
}

int look_measure_moving(struct look *look, struct look_result *ret, struct error *err)
{
    const struct processes_motion moving = { .is_running = true };

    return processes_list(look->processes, err) < 0 ? -1 : look_measure(look, ret, &moving, err);
}

int look_measure_alone(struct look *look, struct measured *ret, struct error *err)
{
    if (measure_roots(look, err) < 0)
        return -1;
    *ret = measure_sum(look->measure);
    return 0;
}

bool look_is_opaque(const struct look_result *result)
{
    return result->opaque.n_hidden + result->opaque.n_in_flight + result->opaque.n_mapped > 0;
}

uint64_t look_missing(const struct look *look, const struct look_result *result,
                      uint64_t free_bytes)
{
    uint64_t total = free_bytes + result->size.bytes;

    return look->known > total ? look->known - total : 0;
}

// Some of what is missing may be on its way back: file systems tell late what was removed. It would
// then seem to be there for whoever comes to hide something.
void look_remember(struct look *look, const struct look_result *result, uint64_t free_bytes,
                   uint64_t now_us)
{
    uint64_t total = free_bytes + result->size.bytes;

    if (total >= look->known || now_us - look->since_us >= LATE_US) {
        look->known = MAX(total, look->next);
        look->next = 0;
        look->since_us = now_us;
    } else {
        look->next = MAX(look->next, total);
    }
}
