// SPDX-License-Identifier: MIT

// publication: what follows a build: the init system starts it, and this watches it; one that
// failed is tried again.

#include "cli/build.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cli/interrupt.h"
#include "host/broker.h"
#include "host/builds.h"
#include "host/publishlog.h"

#define PUBLISH_GRACE_S 15  // from the end of the update to the start of its publication
#define RECHECK_MS      250 // the state of the overlay changes without a word from the init system

int publication_find(struct generation *ret, bool *ret_is_there, const struct build *build,
                     struct error *err)
{
    AUTO(freep) struct state *state = NULL;

    *ret_is_there = false;
    if (overlays_read(&state, build->cli->paths, build->overlay, err) < 0)
        return -1;
    for (uint32_t i = 0; i < state->n_generations; i++)
        if (state->generations[i].build == build->number) {
            *ret = state->generations[i];
            *ret_is_there = true;
        }
    return 0;
}

static void take_line(void *data, const struct journal_line *line)
{
    publishlog_take(data, line);
}

void publication_read_summary(struct build *build, struct buffer *ret)
{
    struct publishlog log = { 0 };
    struct error      ignored; // the generation is told all the same

    if (build_open_log(build, LOG_PUBLISH, BUILD_LOG_LINES, 0, &ignored) == 0 &&
        journal_history(build->journal, JOURNAL_SILENCE_MS, take_line, &log, &ignored) == 0)
        buffer_add_string(ret, log.summary);
}

// What the publisher wrote, kept for the error.
struct last_words {
    struct publishlog log;
    struct strings    lines;
};

static void last_words_done(struct last_words *words)
{
    strings_done(&words->lines);
}

static void take_last_words(void *data, const struct journal_line *line)
{
    struct last_words *words = data;

    publishlog_take(&words->log, line);
    strings_add(&words->lines, line->text, line->n_text);
}

// The journal may be behind the init system, so it is followed for a moment.
static void read_last_words(struct last_words *ret, struct build *build)
{
    struct journal_line line;
    struct error        ignored; // there is a sentence for a log that says nothing
    bool                is_end = false;

    if (build_open_log(build, LOG_PUBLISH, BUILD_LOG_LINES, LOG_FOLLOW, &ignored) < 0 ||
        journal_history(build->journal, JOURNAL_SILENCE_MS, take_last_words, ret, &ignored) < 0)
        return;
    while (journal_next(build->journal, BUILD_DRAIN_MS, &line, &is_end, &ignored) > 0)
        take_last_words(ret, &line);
}

// Quotes the publisher, unless it says that there was nothing to publish. A log without such a
// sentence is shown as it is.
static int publication_failed(struct build *build, bool *ret_is_unchanged, struct error *err)
{
    AUTO(last_words_done) struct last_words words = { 0 };
    const char                             *sentence = words.log.sentence;

    read_last_words(&words, build);
    if (words.log.is_unchanged) {
        *ret_is_unchanged = true;
        return 0;
    }
    if (words.log.is_out_of_space)
        return error_set(err, ERROR_NO_SPACE,
                         "the %s was not published and the old generation stays: %s; make room, "
                         "then try again: it goes on with what is there",
                         build->row->noun, sentence);
    if (!*sentence) {
        build->cli->tail = words.lines;
        words.lines = (struct strings){ 0 };
    }
    return error_set(err, ERROR_FAILED,
                     "the %s was not published and the old generation stays: %s%ssee "
                     "'journalctl -u left4me-publish@%" PRIu32 "', then try again",
                     build->row->noun, sentence, *sentence ? "; " : "", build->number);
}

int publication_recall(struct build *build, bool *ret_was_tried, struct error *err)
{
    AUTO(last_words_done) struct last_words words = { 0 };
    bool                                    is_unchanged = false;

    read_last_words(&words, build);
    *ret_was_tried = words.log.is_unchanged;
    return words.log.is_unchanged || !words.lines.n ? 0
                                                    : publication_failed(build, &is_unchanged, err);
}

int publication_interrupted(const struct build *build, struct error *err)
{
    return error_set(err, ERROR_FAILED,
                     "interrupted, but what was made is being published all the same: see "
                     "'journalctl -u left4me-publish@%" PRIu32 "'",
                     build->number);
}

int publication_watch(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                      struct error *err)
{
    const char *name = build->name.text;
    time_t      begin_s = time(NULL);

    *ret_is_unchanged = false;
    for (;;) {
        struct unit_state state;
        char              result[UNITS_WORD_MAX];
        bool              is_published = false;
        // The unit first: what is published before it is asked about is found below.
        if (units_dispatch(build->units, err) < 0 ||
            units_state(build->units, UNIT_PUBLISH, name, &state, err) < 0 ||
            publication_find(ret, &is_published, build, err) < 0)
            return -1;
        bool is_idle = build_is_over(state.active_state);
        bool has_ended = units_unit_has_ended(build->units, UNIT_PUBLISH, name, result);
        if (is_idle && is_published)
            return 0;
        if (is_idle && has_ended && strcmp(result, "done") == 0) {
            *ret_is_unchanged = true;
            return 0;
        }
        if (strcmp(state.active_state, "failed") == 0 || (is_idle && has_ended) ||
            (is_idle && time(NULL) - begin_s > PUBLISH_GRACE_S))
            return publication_failed(build, ret_is_unchanged, err);
        if (interrupt_came())
            return publication_interrupted(build, err);
        if (!is_idle)
            begin_s = time(NULL);
        struct pollfd fds = { .fd = units_fd(build->units), .events = POLLIN };
        (void)poll(&fds, 1, RECHECK_MS); // whatever ended it, everything is looked at next
    }
}

// ---- a publication that failed --------------------------------------------------------------

// The newest build that was made but not published; 0 when there is none. What was asked for is
// what it would become: one that is held, or the current generation.
static int find_unpublished(uint32_t *ret, const struct build *build, uint32_t flags,
                            struct error *err)
{
    AUTO(builds_done) struct builds builds = { 0 };

    *ret = 0;
    if (builds_read(&builds, build->cli->paths, err) < 0)
        return -1;
    for (size_t i = 0; i < builds.n; i++) {
        const struct build_spec *spec = &builds.spec[i];
        struct unit_state        state;
        if (spec->overlay != build->overlay || spec->kind != build->kind || spec->build < *ret ||
            ((spec->flags ^ flags) & BUILD_HOLD))
            continue;
        if (build_state(build, UNIT_PUBLISH, spec->build, &state, err) < 0)
            return -1;
        if (strcmp(state.active_state, "failed") == 0)
            *ret = spec->build;
    }
    return 0;
}

int publication_resume(struct build *build, uint32_t flags, struct generation *ret,
                       bool *ret_is_unchanged, bool *ret_is_done, struct error *err)
{
    struct reply reply;
    uint32_t     number = 0;

    *ret_is_done = false;
    if (find_unpublished(&number, build, flags, err) < 0)
        return -1;
    if (!number)
        return 0;
    if (broker_build(build->cli->paths, VERB_PUBLISH, number, &reply, err) < 0)    // others may be
        return err->kind == ERROR_DENIED || err->kind == ERROR_NOT_FOUND ? 0 : -1; // quicker
    build_take_number(build, &reply, number);
    if (!build->cli->is_json) {
        printf("The last %s was made but not published: that is tried again.\n", build->row->noun);
        (void)fflush(stdout); // main checks stdout
    }
    if (publication_watch(build, ret, ret_is_unchanged, err) < 0) {
        if (err->kind != ERROR_FAILED || interrupt_came())
            return -1;
        strings_done(&build->cli->tail);
        if (!build->cli->is_json)
            puts("It failed again; another one begins.");
        return 0;
    }
    *ret_is_done = true;
    return 0;
}
