// SPDX-License-Identifier: MIT

// overlaybuild: builds of an overlay, and which of its generations counts.

#include "cli/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/fd.h"
#include "cli/build.h"
#include "cli/interrupt.h"
#include "host/broker.h"
#include "host/budget.h"
#include "settings/settings.h"

static const enum build_kind kinds[] = {
    [OVERLAY_GAME] = BUILD_UPDATE,
    [OVERLAY_SCRIPT] = BUILD_SCRIPT,
    [OVERLAY_WORKSHOP] = BUILD_WORKSHOP,
    [OVERLAY_FILES] = BUILD_FILES,
};
_Static_assert(ELEMENTS(kinds) == OVERLAY_TYPE_COUNT, "every type has a kind that builds it");

static uint32_t keep_of(const struct source *source, const struct settings *settings)
{
    return source->keep ? source->keep : settings->overlays.keep;
}

// ---- one of many -------------------------------------------------------------------------------

// Meanwhile, and wholly: that is no failure.
static bool was_deleted(const struct cli *cli, const struct source *source, const struct error *why)
{
    struct source left;
    struct error  err = { 0 };

    return why->kind == ERROR_NOT_FOUND &&
           source_load(&left, cli->paths, source->number, &err) < 0 && err.kind == ERROR_NOT_FOUND;
}

static void report_failure(struct cli *cli, const struct source *source, const struct error *why)
{
    struct error err;

    fprintf(stderr, "l4d2ctl: %s: %s\n", source->title, why->message);
    if (!cli->is_json)
        output_tail(cli);
    else if (output_json_line(json_pack("{s:I, s:o}", "overlay", (json_int_t)source->number,
                                        "error", output_error_json(cli, why)),
                              &err) < 0)
        fprintf(stderr, "l4d2ctl: %s\n", err.message);
    strings_done(&cli->tail); // they are about this one alone
    cli->script_exit_code = 0;
}

// At the end, when each has been told.
static int raise_failures(unsigned n_failed, size_t n, const char *what, struct error *err)
{
    return error_set(err, ERROR_FAILED, "%u of %zu overlays %s not %s", n_failed, n,
                     n_failed == 1 ? "was" : "were", what);
}

// ---- build, wipe -------------------------------------------------------------------------------

struct wish {
    uint32_t flags;
    // A refresh takes what somebody else has begun since it was asked for.
    bool     is_content_with_newer;
    uint32_t newer_than;
};

static int check_source(const struct cli *cli, const struct source *source, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (source->type == OVERLAY_GAME)
        return error_set(err, ERROR_INVALID, "the game is updated with 'l4d2ctl install'");
    if (!source_text_file(source->type) || source_read_text(&text, cli->paths, source, err) == 0 ||
        err->kind != ERROR_NOT_FOUND)
        return err->kind == ERROR_NONE || text.n || !source_text_file(source->type) ? 0 : -1;
    return error_set(err, ERROR_NOT_FOUND,
                     "the overlay '%s' has no %s yet: give it one with 'l4d2ctl overlay source %s "
                     "-f FILE'",
                     source->title, source_text_file(source->type), source->title);
}

static int plan(struct request_build_start *ret, const struct cli *cli, const struct source *source,
                uint32_t flags, struct error *err)
{
    AUTO(freep) struct state *state = NULL;
    struct budget             budget;
    struct settings           settings;
    uint64_t                  max = source->output_max_bytes;

    if (settings_read(&settings, cli->paths->settings_file, err) < 0 ||
        overlays_read(&state, cli->paths, source->number, err) < 0 ||
        budget_read(&budget, cli->paths, source->number, settings.overlays.budget_bytes, err) < 0)
        return -1;
    if (!max)
        max = settings.overlays.output_max_bytes;
    *ret =
        (struct request_build_start){ .base_generation = flags & BUILD_FRESH ? 0 : state->current,
                                      .keep = keep_of(source, &settings),
                                      .flags = flags };
    return budget_grant(&ret->output_max_bytes, &budget, state_find(state, ret->base_generation),
                        max, err);
}

// True: it has ended. Its scratch goes then, as another build would remove it; that of one that
// could not be published stays, to be tried again.
static bool drop_if_ended(const struct build *build, uint32_t number)
{
    struct unit_state publisher;
    struct reply      reply;
    struct error      err = { 0 };

    if (build_state(build, UNIT_PUBLISH, number, &publisher, &err) == 0 &&
        strcmp(publisher.active_state, "failed") == 0)
        return true;
    return broker_build(build->cli->paths, VERB_BUILD_REMOVE, number, &reply, &err) == 0 ||
           err.kind == ERROR_NOT_FOUND;
}

// Somebody was quicker; that build will do, and may be over.
static int meet(struct build *build, const struct request_build_start *wanted, uint32_t number,
                bool *ret_is_over, struct error *err)
{
    if (!drop_if_ended(build, number)) {
        if (build_join(build, wanted, number, err) == 0)
            return 0;
        if (err->kind != ERROR_NOT_FOUND)
            return -1;
    }
    build_take_ended(build, number);
    *ret_is_over = true;
    return 0;
}

// One at a time: what is granted to one build is not there for another.
static int begin(struct build *build, const struct source *source, const struct wish *wish,
                 bool *ret_is_over, struct error *err)
{
    const struct cli          *cli = build->cli;
    struct request_build_start wanted;
    AUTO_FD                    lock_fd = -1;
    uint32_t                   noted = 0;

    build_sweep(build);
    if (source_lock(&lock_fd, cli->paths, err) < 0 ||
        plan(&wanted, cli, source, wish->flags, err) < 0)
        return -1;
    noted = source_noted_build(cli->paths, source->number);
    if (wish->is_content_with_newer && noted > wish->newer_than)
        return meet(build, &wanted, noted, ret_is_over, err);
    if (build_begin(build, &wanted, err) < 0)
        return -1;
    struct error ignored; // 'overlay log' is about another one then
    (void)!source_note_build(cli->paths, source->number, build->number, &ignored);
    return 0;
}

static int report(struct build *build, const struct source *source,
                  const struct generation *generation, bool is_unchanged, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (build->cli->is_json)
        return output_json_line(
            json_pack("{s:I, s:i, s:b, s:b, s:o}", "overlay", (json_int_t)source->number, "build",
                      (int)build->number, "attached", (int)build->is_attached, "changed",
                      (int)!is_unchanged, "generation",
                      is_unchanged ? json_null() : json_integer(generation->number)),
            err);
    if (is_unchanged) {
        printf("Nothing changed: '%s' stays as it is.\n", source->title);
        return 0;
    }
    buffer_printf(&text,
                  "'%s' is generation %" PRIu32 ": %" PRIu64 " files, %" PRIu64 " added, %" PRIu64
                  " changed, %" PRIu64 " removed, ",
                  source->title, generation->number, generation->files, generation->added,
                  generation->changed, generation->removed);
    output_size(&text, generation->bytes);
    buffer_add_string(&text, ".\n");
    output_flush(&text);
    return 0;
}

static int report_detached(const struct build *build, const struct source *source,
                           struct error *err)
{
    if (build->cli->is_json)
        return output_json(json_pack("{s:I, s:i, s:b}", "overlay", (json_int_t)source->number,
                                     "build", (int)build->number, "attached",
                                     (int)build->is_attached),
                           err);
    printf("Build %" PRIu32 " of '%s' runs: see 'l4d2ctl overlay log %s --follow'.\n",
           build->number, source->title, source->title);
    return 0;
}

// One that is over has left a generation or, in its log, why not.
static int find_result(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                       struct error *err)
{
    bool is_published = false, was_tried = false;

    if (publication_find(ret, &is_published, build, err) < 0)
        return -1;
    *ret_is_unchanged = !is_published;
    if (is_published)
        return 0;
    if (publication_recall(build, &was_tried, err) < 0)
        return -1;
    return was_tried ? 0 : buildend_recall(build, err);
}

static int build_source(struct cli *cli, const struct source *source, const struct wish *wish,
                        struct error *err)
{
    AUTO(build_done) struct build build = { 0 };
    struct generation             generation = { 0 };
    bool                          is_unchanged = false, is_done = false, is_over = false;

    if (check_source(cli, source, err) < 0 ||
        build_open(&build, cli, kinds[source->type], source->number, source->title, err) < 0 ||
        (!(wish->flags & BUILD_FRESH) && !cli->is_detached &&
         publication_resume(&build, wish->flags, &generation, &is_unchanged, &is_done, err) < 0))
        return -1;
    if (!is_done && begin(&build, source, wish, &is_over, err) < 0)
        return -1;
    if (is_over)
        return find_result(&build, &generation, &is_unchanged, err) < 0
                   ? -1
                   : report(&build, source, &generation, is_unchanged, err);
    if (cli->is_detached && !is_done)
        return report_detached(&build, source, err);
    if (!is_done && build_finish(&build, &generation, &is_unchanged, err) < 0)
        return -1;
    build_remove_scratch(&build);
    return report(&build, source, &generation, is_unchanged, err);
}

static int build_named(struct cli *cli, uint32_t flags, struct error *err)
{
    struct source source;

    interrupt_catch();
    if (overlay_named(&source, cli, err) < 0)
        return -1;
    const struct wish wish = { .flags = flags | (cli->is_held ? BUILD_HOLD : 0) };
    return build_source(cli, &source, &wish, err);
}

int overlay_build_run(struct cli *cli, struct error *err)
{
    return build_named(cli, 0, err);
}

int overlay_wipe_run(struct cli *cli, struct error *err)
{
    return build_named(cli, BUILD_FRESH, err);
}

// The newest build of each, in the order of the sources.
static uint32_t *noted_builds(const struct cli *cli, const struct sources *sources)
{
    uint32_t *numbers = calloc(sources->n + 1, sizeof *numbers); // never of nothing

    for (size_t i = 0; numbers && i < sources->n; i++)
        numbers[i] = source_noted_build(cli->paths, sources->source[i].number);
    return numbers;
}

static int refresh_one(struct cli *cli, const struct source *source, uint32_t newest)
{
    const struct wish wish = { .is_content_with_newer = true, .newer_than = newest };
    struct error      why = { 0 };

    if (!cli->is_json)
        printf("%s:\n", source->title);
    (void)fflush(stdout); // before what stderr says of it; main checks stdout
    if (build_source(cli, source, &wish, &why) == 0 || was_deleted(cli, source, &why))
        return 0;
    report_failure(cli, source, &why);
    return -1;
}

int overlay_refresh_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;
    AUTO(freep) uint32_t       *newest = NULL;
    unsigned                    n_marked = 0, n_failed = 0;
    size_t                      i = 0;

    interrupt_catch();
    if (source_list(&sources, cli->paths, err) < 0)
        return -1;
    newest = noted_builds(cli, sources);
    if (!newest)
        return error_sys(err, ENOMEM, "listing the overlays");
    for (; i < sources->n && !interrupt_came(); i++) {
        if (!sources->source[i].is_daily)
            continue;
        n_marked++;
        n_failed += refresh_one(cli, &sources->source[i], newest[i]) < 0;
    }
    if (i < sources->n)
        return error_set(err, ERROR_FAILED, "interrupted: the other overlays were not looked at");
    if (n_failed)
        return raise_failures(n_failed, n_marked, "built", err);
    if (!n_marked && !cli->is_json)
        puts("No overlay is marked for it: 'l4d2ctl overlay set OVERLAY --refresh daily' does it.");
    return 0;
}

// ---- cancel, log -------------------------------------------------------------------------------

// Its builder waits for its scratch to be mounted, or nobody has taken its scratch down yet.
static bool is_before_or_after(const struct unit_state *builder, const struct unit_state *publisher)
{
    return strcmp(builder->active_state, "inactive") == 0 &&
           strcmp(publisher->active_state, "inactive") == 0;
}

static int stop_build(const struct build *build, struct error *err)
{
    struct unit_state state;
    struct reply      reply;

    if (broker_build(build->cli->paths, VERB_BUILD_STOP, build->number, &reply, err) < 0 ||
        units_wait_inactive(build->units, build->row->unit, build->name.text, BUILD_STOP_MS, &state,
                            err) < 0)
        return -1;
    // Whoever began it may watch it no longer. Its scratch takes disk, and what it might still have
    // written counts against the budget of the others.
    build_remove_scratch(build);
    return 0;
}

static int cancel_build(bool *ret_is_stopped, const struct build *build, struct error *err)
{
    struct unit_state builder, mount, publisher;

    if (build_state(build, build->row->unit, build->number, &builder, err) < 0 ||
        build_state(build, UNIT_BUILD_MOUNT, build->number, &mount, err) < 0 ||
        build_state(build, UNIT_PUBLISH, build->number, &publisher, err) < 0)
        return -1;
    *ret_is_stopped = !build_is_over(builder.active_state);
    if (*ret_is_stopped)
        return stop_build(build, err);
    if (is_before_or_after(&builder, &publisher)) {
        *ret_is_stopped = !build_is_over(mount.active_state);
        return stop_build(build, err) < 0 && err->kind != ERROR_NOT_FOUND ? -1 : 0;
    }
    if (!build_is_over(publisher.active_state)) // it came first, and ends soon
        build_remove_scratch(build);
    return 0;
}

int overlay_cancel_run(struct cli *cli, struct error *err)
{
    AUTO(build_done) struct build build = { 0 };
    struct source                 source;
    uint32_t                      number = 0;
    bool                          is_stopped = false;

    if (overlay_named(&source, cli, err) < 0 ||
        overlay_newest_build(&number, cli->paths, source.number, err) < 0)
        return -1;
    cli->title = source.title;
    if (number) {
        if (build_open(&build, cli, kinds[source.type], source.number, source.title, err) < 0)
            return -1;
        build_take_number(&build, &(const struct reply){ 0 }, number);
        if (cancel_build(&is_stopped, &build, err) < 0)
            return -1;
    }
    return output_action(cli, "cancel", "idle", is_stopped,
                         is_stopped ? NULL : "no build is running", err);
}

int overlay_log_run(struct cli *cli, struct error *err)
{
    AUTO(build_done) struct build build = { 0 };
    struct source                 source;
    struct journal_line           line;
    struct error                  ignored;
    uint32_t                      number = 0;
    bool                          is_end = false;
    int                           r;

    interrupt_catch();
    if (overlay_named(&source, cli, err) < 0 ||
        overlay_newest_build(&number, cli->paths, source.number, err) < 0)
        return -1;
    number = MAX(number, source_noted_build(cli->paths, source.number));
    if (!number) {
        AUTO(freep) struct state *state = NULL;
        if (overlays_read(&state, cli->paths, source.number, err) < 0)
            return -1;
        number = state->n_generations ? state->generations[0].build : 0;
    }
    if (!number)
        return error_set(err, ERROR_NOT_FOUND, "the overlay '%s' was never built", source.title);
    // Who may not ask the init system is told by the log alone how it ended.
    (void)!build_open(&build, cli, kinds[source.type], source.number, source.title, &ignored);
    build_take_number(&build, &(const struct reply){ 0 }, number);
    if (build_open_log(&build, build.row->source, cli->n_lines, cli->is_following ? LOG_FOLLOW : 0,
                       err) < 0)
        return -1;
    while ((r = journal_next(build.journal, -1, &line, &is_end, err)) > 0)
        if (!line.is_mark) {
            buildlog_take(&build, &line);
            buildend_show(&build, &line);
        }
    return r;
}

// ---- generations -------------------------------------------------------------------------------

// A build without a builder: only the publisher runs.
static int change(struct cli *cli, const struct source *source, enum build_kind kind,
                  uint32_t generation, struct error *err)
{
    AUTO(build_done) struct build build = { 0 };
    struct generation             ignored;
    struct settings               settings;
    struct request_build_start    wanted = { .base_generation = generation,
                                             .output_max_bytes = OUTPUT_MAX_DEFAULT };
    bool                          is_unchanged = false;

    interrupt_catch();
    if (settings_read(&settings, cli->paths->settings_file, err) < 0)
        return -1;
    wanted.keep = keep_of(source, &settings);
    if (build_open(&build, cli, kind, source->number, source->title, err) < 0 ||
        build_begin(&build, &wanted, err) < 0 ||
        build_finish(&build, &ignored, &is_unchanged, err) < 0)
        return -1;
    build_remove_scratch(&build);
    return 0;
}

static int select_generation(struct cli *cli, const struct source *source, uint32_t generation,
                             struct error *err)
{
    if (change(cli, source, BUILD_SELECT, generation, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(json_pack("{s:I, s:I}", "overlay", (json_int_t)source->number,
                                     "generation", (json_int_t)generation),
                           err);
    printf("New starts use generation %" PRIu32 " of '%s'.\n", generation, source->title);
    return 0;
}

int overlay_select_run(struct cli *cli, struct error *err)
{
    struct source source;
    uint32_t      generation = 0;

    if (overlay_named(&source, cli, err) < 0 ||
        number_name_parse(&generation, cli->args[1], err) < 0)
        return -1;
    return select_generation(cli, &source, generation, err);
}

int overlay_rollback_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct state *state = NULL;
    struct source             source;

    if (cli->args[1])
        return overlay_select_run(cli, err);
    if (overlay_named(&source, cli, err) < 0 ||
        overlays_read(&state, cli->paths, source.number, err) < 0)
        return -1;
    for (uint32_t i = 0; i < state->n_generations; i++)
        if (state->generations[i].number < state->current)
            return select_generation(cli, &source, state->generations[i].number, err);
    return error_set(err, ERROR_NOT_FOUND, "'%s' has no generation before the current one",
                     source.title);
}

struct freed {
    uint32_t n_generations;
    uint64_t n_bytes;
};

// Adds to *freed what is gone; a publication may come in between.
static int gc(struct freed *freed, struct cli *cli, const struct source *source, struct error *err)
{
    AUTO(freep) struct state *before = NULL;
    AUTO(freep) struct state *after = NULL;
    uint64_t                  was = 0, is = 0;

    if (overlays_read(&before, cli->paths, source->number, err) < 0)
        return err->kind == ERROR_DENIED
                   ? build_half_deleted(cli, source->number, source->title, err)
                   : -1;
    if (change(cli, source, BUILD_COLLECT, 0, err) < 0 ||
        overlays_read(&after, cli->paths, source->number, err) < 0)
        return -1;
    for (uint32_t i = 0; i < before->n_generations; i++)
        if (!state_find(after, before->generations[i].number))
            freed->n_generations++;
    was = budget_of_overlay(before);
    is = budget_of_overlay(after);
    freed->n_bytes += was > is ? was - is : 0;
    return 0;
}

static int report_freed(const struct cli *cli, const char *title, const struct freed *freed,
                        struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (cli->is_json)
        return output_json_line(
            json_pack("{s:s, s:s, s:s, s:b, s:I, s:I}", "name", title, "action", "gc", "state",
                      "idle", "changed", (int)(freed->n_generations > 0), "dropped",
                      (json_int_t)freed->n_generations, "freed_bytes", (json_int_t)freed->n_bytes),
            err);
    buffer_printf(&text, "%s: %" PRIu32 " generation%s dropped, ", title, freed->n_generations,
                  freed->n_generations == 1 ? "" : "s");
    output_size(&text, freed->n_bytes);
    buffer_add_string(&text, " freed\n");
    output_flush(&text);
    return 0;
}

int overlay_gc_run(struct cli *cli, struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;
    struct source               source;
    struct freed                freed = { 0 };
    unsigned                    n_failed = 0;

    if (cli->args[0]) {
        if (overlay_named(&source, cli, err) < 0 || gc(&freed, cli, &source, err) < 0)
            return -1;
        return report_freed(cli, source.title, &freed, err);
    }
    if (source_list(&sources, cli->paths, err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++) {
        struct error why = { 0 };
        if (gc(&freed, cli, &sources->source[i], &why) == 0 ||
            was_deleted(cli, &sources->source[i], &why))
            continue;
        report_failure(cli, &sources->source[i], &why);
        n_failed++;
    }
    if (report_freed(cli, "all overlays", &freed, err) < 0)
        return -1;
    return n_failed ? raise_failures(n_failed, sources->n, "collected", err) : 0;
}
