// SPDX-License-Identifier: MIT
#include "host/budget.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "host/builds.h"
#include "host/overlays.h"

// What cannot be counted is more than there is.
static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t result;

    return __builtin_add_overflow(a, b, &result) ? UINT64_MAX : result;
}

uint64_t budget_of_overlay(const struct state *state)
{
    uint64_t bytes = 0;

    // Newest first. Each but the oldest brought only what changed.
    for (uint32_t i = 0; i < state->n_generations; i++)
        bytes = sum(bytes, i + 1 == state->n_generations ? state->generations[i].bytes
                                                         : state->generations[i].bytes_changed);
    return bytes;
}

static int add_overlays(struct budget *budget, const struct host_paths *paths, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (host_open_data_dir(&fd, paths, "overlays", err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        AUTO(freep) struct state *state = NULL;
        struct error              ignored; // a damaged one cannot be built either
        uint32_t                  number = 0;
        if (number_name_parse(&number, name, &ignored) == 0 &&
            overlays_read(&state, paths, number, &ignored) == 0)
            budget->used_bytes = sum(budget->used_bytes, budget_of_overlay(state));
    }
    return r;
}

// What the build may still write: its limit is one of the whole tree. One that is published has
// ended, although its spec stays until its scratch is removed.
static uint64_t granted_to(const struct host_paths *paths, const struct build_spec *spec)
{
    AUTO(freep) struct state *state = NULL;
    struct error              ignored;

    if (spec->kind == BUILD_SELECT || spec->kind == BUILD_COLLECT || spec->kind == BUILD_UPDATE ||
        overlays_read(&state, paths, spec->overlay, &ignored) < 0 ||
        state_find(state, spec->new_generation))
        return 0;
    const struct generation *base = state_find(state, spec->base_generation);
    uint64_t                 base_bytes = base ? base->bytes : 0;
    return spec->output_max_bytes > base_bytes ? spec->output_max_bytes - base_bytes : 0;
}

static int add_builds(struct budget *budget, const struct host_paths *paths, uint32_t overlay,
                      struct error *err)
{
    AUTO(builds_done) struct builds builds = { 0 };

    if (builds_read(&builds, paths, err) < 0)
        return -1;
    for (size_t i = 0; i < builds.n; i++)
        if (builds.spec[i].overlay != overlay)
            budget->granted_bytes = sum(budget->granted_bytes, granted_to(paths, &builds.spec[i]));
    return 0;
}

int budget_read(struct budget *ret, const struct host_paths *paths, uint32_t overlay,
                uint64_t limit_bytes, struct error *err)
{
    struct budget  budget = { .limit_bytes = limit_bytes };
    struct statvfs disk;

    if (add_overlays(&budget, paths, err) < 0 || add_builds(&budget, paths, overlay, err) < 0)
        return -1;
    if (!limit_bytes) {
        if (statvfs(paths->data_dir, &disk) < 0)
            return error_sys(err, errno, "asking for the size of the disk");
        budget.limit_bytes = (uint64_t)disk.f_blocks * disk.f_frsize / 4 * 3;
    }
    *ret = budget;
    return 0;
}

int budget_grant(uint64_t *ret, const struct budget *budget, const struct generation *base,
                 uint64_t max_bytes, struct error *err)
{
    uint64_t used = sum(budget->used_bytes, budget->granted_bytes);
    uint64_t rest = used < budget->limit_bytes ? budget->limit_bytes - used : 0;
    uint64_t base_bytes = base ? base->bytes : 0;

    if (rest < OUTPUT_MAX_MIN) {
        bool is_left_by_others = budget->limit_bytes > budget->used_bytes &&
                                 budget->limit_bytes - budget->used_bytes >= OUTPUT_MAX_MIN;
        return error_set(err, ERROR_NO_SPACE,
                         is_left_by_others
                             ? "builds that run may use up what is left of the %llu MiB of all "
                               "overlays together: wait for one, or cancel it"
                             : "all overlays together have used up their %llu MiB: delete one, or "
                               "let 'l4d2ctl overlay gc' drop old generations",
                         (unsigned long long)(budget->limit_bytes >> 20));
    }
    if (budget->granted_bytes)
        rest = MAX(rest / 2, OUTPUT_MAX_MIN);
    *ret = MIN(MIN(max_bytes, sum(base_bytes, rest)), OUTPUT_MAX_MAX);
    return 0;
}
