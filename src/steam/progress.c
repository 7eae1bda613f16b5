// SPDX-License-Identifier: MIT
#include "steam/progress.h"

#include "base/macros.h"

// Where in the whole a phase lies, in permille.
static const struct {
    uint32_t from, to;
} phases[] = {
    [STEAM_PHASE_WINDOWS] = { 0, 900 },
    [STEAM_PHASE_LINUX] = { 900, 1000 },
};
_Static_assert(ELEMENTS(phases) == STEAM_PHASE_COUNT, "every phase has a row");

// Where in its phase a stage lies, in permille, as far as it is known how long they take.
static const struct stage {
    uint32_t state;
    struct {
        uint32_t from, to;
    } share[STEAM_PHASE_COUNT];
    const char *words[STEAM_PHASE_COUNT];
} stages[] = {
    { 0x3, { { 0, 10 }, { 0, 10 } }, { "preparing", "preparing" } },
    { 0x5, { { 10, 50 }, { 10, 600 } }, { "checking files", "checking files" } },
    { 0x11, { { 50, 80 }, { 600, 620 } }, { "reserving disk space", "reserving disk space" } },
    { 0x61,
      { { 80, 900 }, { 620, 900 } },
      { "downloading the game", "downloading the Linux files" } },
    { 0x81, { { 900, 980 }, { 900, 980 } }, { "checking the download", "checking the download" } },
    { 0x101,
      { { 980, 1000 }, { 980, 1000 } },
      { "putting files in place", "putting files in place" } },
};

static const struct stage *stage_of(uint32_t state)
{
    for (size_t i = 0; i < ELEMENTS(stages); i++)
        if (stages[i].state == state)
            return &stages[i];
    return NULL;
}

const char *progress_words(enum steam_phase phase, uint32_t state)
{
    const struct stage *stage = stage_of(state);

    return stage ? stage->words[phase] : "working";
}

bool progress_take(struct progress *progress, enum steam_phase phase,
                   const struct steam_event *event)
{
    const struct stage *stage = stage_of(event->state);
    uint32_t            in_phase = 0;

    if (stage)
        in_phase = stage->share[phase].from +
                   (stage->share[phase].to - stage->share[phase].from) * event->hundredths / 10000;
    uint32_t permille =
        phases[phase].from + (phases[phase].to - phases[phase].from) * in_phase / 1000;
    progress->permille = MAX(progress->permille, permille);

    bool is_new = !progress->has_last || progress->last_percent != progress->permille / 10 ||
                  progress->last_done != event->done;
    progress->has_last = true;
    progress->last_percent = progress->permille / 10;
    progress->last_done = event->done;
    return is_new;
}
