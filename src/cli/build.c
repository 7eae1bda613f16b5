// SPDX-License-Identifier: MIT
#include "cli/build.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "host/broker.h"
#include "host/builds.h"
#include "host/source.h"
#include "host/steamline.h"

#define LAST_WORD      "done" // of left4me-script, -workshop and -files, at the level of a notice
#define UNFINISHED_MS  3000u
#define REMOVE_TURNS   40
#define REMOVE_WAIT_MS 250
#define LEFT_AFTER_US  UINT64_C(10000000)
#define BEGIN_TRIES    5

// Those without a builder have the publisher's log alone, which is short and need not be shown.
static const struct build_row rows[] = {
    [BUILD_UPDATE] = { UNIT_UPDATE, "update", LOG_UPDATE, installlog_take, true },
    [BUILD_SCRIPT] = { UNIT_SCRIPT, "build", LOG_SCRIPT, buildlog_take, true },
    [BUILD_WORKSHOP] = { UNIT_WORKSHOP, "build", LOG_WORKSHOP, buildlog_take, true },
    [BUILD_FILES] = { UNIT_FILES, "build", LOG_FILES, buildlog_take, true },
    [BUILD_SELECT] = { UNIT_PUBLISH, "change", LOG_PUBLISH, build_take_failure, false },
    [BUILD_COLLECT] = { UNIT_PUBLISH, "collection", LOG_PUBLISH, build_take_failure, false },
};
_Static_assert(ELEMENTS(rows) == BUILD_KIND_COUNT, "every kind of build has a row");

int build_open(struct build *ret, struct cli *cli, enum build_kind kind, uint32_t overlay,
               const char *title, struct error *err)
{
    *ret = (struct build){ .cli = cli,
                           .row = &rows[kind],
                           .kind = kind,
                           .overlay = overlay,
                           .title = title,
                           .is_terminal = isatty(STDOUT_FILENO) == 1 };
    if (units_open(&ret->units, cli->paths, err) < 0)
        return -1;
    return units_subscribe(ret->units, err);
}

void build_done(struct build *build)
{
    journal_close(build->journal);
    units_close(build->units);
}

int build_open_log(struct build *build, enum log_source source, uint32_t n_lines, uint32_t flags,
                   struct error *err)
{
    journal_close(build->journal);
    build->journal = NULL;
    return journal_open(&build->journal, build->cli->paths, source, &build->name, n_lines, flags,
                        err);
}

void build_take_number(struct build *build, const struct reply *reply, uint32_t number)
{
    build->number = number;
    build->job = reply->job;
    (void)snprintf(build->name.text, sizeof build->name.text, "%" PRIu32,
                   number); // ten digits fit
}

int build_state(const struct build *build, const char *prefix, uint32_t number,
                struct unit_state *ret, struct error *err)
{
    char name[16];

    (void)snprintf(name, sizeof name, "%" PRIu32, number); // ten digits fit
    return units_state(build->units, prefix, name, ret, err);
}

bool build_is_over(const char *active_state)
{
    return strcmp(active_state, "inactive") == 0 || strcmp(active_state, "failed") == 0;
}

// ---- its beginning -----------------------------------------------------------------------------

// What it was asked for; false: it has ended and left nothing.
static int find_spec(struct build_spec *ret, bool *ret_is_there, const struct build *build,
                     uint32_t number, struct error *err)
{
    AUTO(builds_done) struct builds builds = { 0 };

    *ret_is_there = false;
    if (builds_read(&builds, build->cli->paths, err) < 0)
        return -1;
    for (size_t i = 0; i < builds.n; i++)
        if (builds.spec[i].build == number) {
            *ret = builds.spec[i];
            *ret_is_there = true;
        }
    return 0;
}

// Who watches another one must get what was asked for: the same work, and a result that counts
// alike. What has no builder is over before anybody could watch it.
static bool is_as_wanted(const struct build_spec *spec, const struct build *build,
                         const struct request_build_start *wanted)
{
    uint32_t missing = wanted->flags & ~spec->flags;

    return build->row->has_last_word && spec->kind == (uint32_t)build->kind &&
           !(missing & BUILD_FRESH) && !((wanted->flags ^ spec->flags) & BUILD_HOLD);
}

static void attach(struct build *build, uint32_t number, const char *what)
{
    static const struct reply no_job;

    build->is_attached = true;
    build_take_number(build, &no_job, number);
    if (build->cli->is_json) // the result says so
        return;
    (void)fflush(stdout); // main checks stdout
    fprintf(stderr, "l4d2ctl: %s %" PRIu32 " of '%s' %s: no other one is begun\n", build->row->noun,
            number, build->title, what);
}

int build_join(struct build *build, const struct request_build_start *wanted, uint32_t number,
               struct error *err)
{
    struct build_spec spec;
    bool              is_there = false;

    if (find_spec(&spec, &is_there, build, number, err) < 0)
        return -1;
    if (!is_there)
        return error_set(err, ERROR_NOT_FOUND, "the %s of '%s' has just ended: try again",
                         build->row->noun, build->title);
    if (!is_as_wanted(&spec, build, wanted))
        return error_set(err, ERROR_BUSY, "a build of '%s' is running: wait for it or cancel it",
                         build->title);
    attach(build, number, "runs already");
    return build_open_log(build, build->row->source, BUILD_LOG_LINES, LOG_FOLLOW, err);
}

void build_take_ended(struct build *build, uint32_t number)
{
    attach(build, number, "came first");
}

int build_half_deleted(const struct cli *cli, uint32_t overlay, const char *title,
                       struct error *err)
{
    bool          is_own = *title == '@'; // a server's, which is deleted with it
    struct source left;
    struct error  ignored;

    if (source_load(&left, cli->paths, overlay, &ignored) < 0)
        return -1;
    return error_set(err, ERROR_NOT_FOUND,
                     "the overlay '%s' is half deleted: 'l4d2ctl %sdelete %s' deletes the rest",
                     title, is_own ? "" : "overlay ", title + is_own);
}

int build_begin(struct build *build, const struct request_build_start *wanted, struct error *err)
{
    struct request_build_start request = *wanted;
    struct reply               reply;

    request.kind = build->kind;
    request.overlay = build->overlay;
    for (int i = 0; i < BEGIN_TRIES; i++) {
        if (broker_build_start(build->cli->paths, &request, &reply, err) == 0) {
            build_take_number(build, &reply, reply.build);
            return build_open_log(build, build->row->source, BUILD_LOG_LINES, LOG_FOLLOW, err);
        }
        if (err->kind == ERROR_NOT_FOUND)
            return build_half_deleted(build->cli, build->overlay, build->title, err);
        if (err->kind != ERROR_BUSY || reply.build == 0)
            return -1;
        // One that ends just now is in nobody's way any more.
        if (build_join(build, &request, reply.build, err) == 0)
            return 0;
        if (err->kind != ERROR_NOT_FOUND)
            return -1;
    }
    return -1;
}

// ---- its log -----------------------------------------------------------------------------------

void build_end_line(struct build *build)
{
    if (build->has_line)
        (void)putchar('\n');
    build->has_line = false;
}

// The last error line of our own builder; SteamCMD's driver has a form of its own for it.
void build_take_failure(struct build *build, const struct journal_line *line)
{
    bool is_update = build->kind == BUILD_UPDATE;

    if (is_update && steamline_parse(line->text).kind == STEAMLINE_ERROR)
        installlog_take(build, line);
    else if (!is_update && !line->is_init && line->priority <= LEVEL_ERROR)
        (void)text_sanitize(build->failure, sizeof build->failure, line->text, line->n_text);
}

static void show_json(uint32_t overlay, const struct journal_line *line)
{
    struct error ignored; // a line that cannot be shown is left out
    char         time[OUTPUT_TIME_MAX];
    json_t      *json = NULL;

    output_time(time, line->realtime_us);
    json = json_pack("{s:I, s:s, s:I, s:s, s:o}", "overlay", (json_int_t)overlay, "time", time,
                     "unix_us", (json_int_t)line->realtime_us, "stream",
                     line->priority <= LEVEL_WARNING ? "stderr" : "stdout", "text",
                     output_text_json(line->text, line->n_text));
    (void)!output_json_line(json, &ignored);
    (void)fflush(stdout); // main checks stdout
}

void buildlog_show(const struct build *build, const struct journal_line *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (build->cli->is_json) {
        show_json(build->overlay, line);
        return;
    }
    buffer_add_string(&text, line->priority <= LEVEL_WARNING ? "! " : "  ");
    buffer_add_escaped(&text, line->text, line->n_text);
    buffer_add_string(&text, "\n");
    output_flush(&text);
    (void)fflush(stdout); // main checks stdout
}

void buildlog_take(struct build *build, const struct journal_line *line)
{
    build_take_failure(build, line);
    if (!line->is_init && line->priority == LEVEL_NOTICE && strcmp(line->text, LAST_WORD) == 0)
        build->has_end = true;
    else if (!line->is_init) // what the init system says of the unit is said better at the end
        buildlog_show(build, line);
}

// The init system's word on a unit that failed is the last one about it; a warning of another kind,
// as that it supervises a process which is not its child, may be the first.
static void take_line(struct build *build, const struct journal_line *line)
{
    build->has_end = buildend_note(build, line) || build->has_end;
    build->row->take(build, line);
}

static int read_log(struct build *build, int timeout_ms, struct error *err)
{
    struct journal_line line;
    bool                is_end = false;
    int                 r;

    while ((r = journal_next(build->journal, timeout_ms, &line, &is_end, err)) > 0)
        if (line.is_mark)
            build->has_mark = true;
        else
            take_line(build, &line);
    if (is_end) // the build goes on without a log
        return error_set(err, ERROR_UNAVAILABLE, "the log reader went away");
    return r;
}

static int drain_log(struct build *build, bool has_succeeded, struct error *err)
{
    const int n_turns = JOURNAL_SILENCE_MS / BUILD_DRAIN_MS;
    bool      is_told = build->row->has_last_word || !has_succeeded;

    for (int i = 0; i < n_turns && !(build->has_mark && (build->has_end || !is_told)); i++)
        if (read_log(build, BUILD_DRAIN_MS, err) < 0)
            return -1;
    return read_log(build, BUILD_DRAIN_MS, err);
}

// ---- to its end --------------------------------------------------------------------------------

// Waits for a word from the init system or the log, or for Ctrl-C.
static void wait_for_news(struct build *build)
{
    struct pollfd fds[] = { { .fd = units_fd(build->units), .events = POLLIN },
                            { .fd = journal_fd(build->journal), .events = POLLIN } };

    // Whatever ended it, everything is looked at next.
    (void)poll(fds, ELEMENTS(fds), BUILD_WAIT_MS);
}

// Has the builder ended, and how? *ret_result is the job's, or "gone" when nobody has seen its end.
static int ask_end(struct build *build, bool *ret_has_ended, char ret_result[UNITS_WORD_MAX],
                   struct error *err)
{
    struct unit_state state;

    *ret_has_ended = true;
    (void)snprintf(ret_result, UNITS_WORD_MAX, "gone"); // it fits
    if (units_dispatch(build->units, err) < 0)
        return -1;
    if (build->job && units_job_has_ended(build->units, build->job, ret_result))
        return 0;
    if (units_state(build->units, build->row->unit, build->name.text, &state, err) < 0)
        return -1;
    // A job that still waits for the mount has an inactive unit: ask for the job as well.
    if (!build_is_over(state.active_state) ||
        (build->job && units_job_exists(build->units, build->job))) {
        *ret_has_ended = false;
        return 0;
    }
    // The signal may have come while we asked.
    if (units_dispatch(build->units, err) < 0)
        return -1;
    if (!(build->job && units_job_has_ended(build->units, build->job, ret_result)) &&
        strcmp(state.active_state, "failed") == 0)
        (void)snprintf(ret_result, UNITS_WORD_MAX, "failed"); // it fits
    // Who joined it has no job to ask; and whoever cancels a build has it forgotten at once.
    if (strcmp(ret_result, "gone") == 0 &&
        units_unit_was_cancelled(build->units, build->row->unit, build->name.text))
        (void)snprintf(ret_result, UNITS_WORD_MAX, UNITS_CANCELLED); // it fits
    return 0;
}

// Shows the builder until it ends or is interrupted; `ret_result` is empty then.
static int watch_builder(struct build *build, char ret_result[UNITS_WORD_MAX], struct error *err)
{
    bool has_ended = false;

    for (;;) {
        if (read_log(build, 0, err) < 0 || ask_end(build, &has_ended, ret_result, err) < 0)
            return -1;
        if (has_ended) // a Ctrl-C that comes too late for the builder is the publication's
            return drain_log(build, strcmp(ret_result, "done") == 0, err);
        *ret_result = '\0';
        if (interrupt_came())
            return 0;
        wait_for_news(build);
    }
}

void build_remove_scratch(const struct build *build)
{
    struct reply reply;
    struct error err = { 0 };

    // The init system may take for a success what was stopped: then the publisher looks at it, and
    // ends soon. One at work came first, and the scratch is what it works on.
    for (int turn = 0; turn < REMOVE_TURNS; turn++) {
        if (broker_build(build->cli->paths, VERB_BUILD_REMOVE, build->number, &reply, &err) == 0)
            return;
        if (err.kind != ERROR_BUSY)
            break;
        (void)poll(NULL, 0, REMOVE_WAIT_MS); // shorter does no harm
    }
    // The next build removes it if this fails, so it is worth a line and no more. Somebody else
    // who watched this build may be about it already, or have been.
    if (err.kind != ERROR_NOT_FOUND && err.kind != ERROR_BUSY)
        fprintf(stderr, "l4d2ctl: the scratch of build %" PRIu32 " stays until the next %s: %s\n",
                build->number, build->row->noun, err.message);
}

// The publisher's unit comes last; one that was not started counts from the builder's end.
static int is_left(bool *ret, const struct build *build, const struct build_spec *spec,
                   struct error *err)
{
    const char       *prefix = rows[spec->kind].unit;
    struct unit_state builder, publisher;
    uint64_t          now_us = (uint64_t)time(NULL) * 1000000;

    if (build_state(build, prefix, spec->build, &builder, err) < 0 ||
        build_state(build, UNIT_PUBLISH, spec->build, &publisher, err) < 0)
        return -1;
    *ret = build_is_over(builder.active_state) && strcmp(publisher.active_state, "inactive") == 0 &&
           MAX(builder.since_us, publisher.since_us) + LEFT_AFTER_US < now_us;
    return 0;
}

void build_sweep(const struct build *build)
{
    AUTO(builds_done) struct builds builds = { 0 };
    struct error                    ignored; // see the header
    struct reply                    reply;

    if (builds_read(&builds, build->cli->paths, &ignored) < 0)
        return;
    for (size_t i = 0; i < builds.n; i++) {
        bool is_it = false;
        if (builds.spec[i].overlay == build->overlay ||
            is_left(&is_it, build, &builds.spec[i], &ignored) < 0 || !is_it)
            continue;
        if (broker_build(build->cli->paths, VERB_BUILD_REMOVE, builds.spec[i].build, &reply,
                         &ignored) < 0)
            return;
    }
}

static int interrupted(struct build *build, struct error *err)
{
    struct unit_state state;
    struct generation generation;
    struct reply      reply;
    bool              is_published = false;

    build_end_line(build);
    if (build->is_attached)
        return error_set(err, ERROR_FAILED, "the %s goes on without being watched",
                         build->row->noun);
    if (broker_build(build->cli->paths, VERB_BUILD_STOP, build->number, &reply, err) < 0 ||
        units_wait_inactive(build->units, build->row->unit, build->name.text, BUILD_STOP_MS, &state,
                            err) < 0)
        return error_prefix(err, "interrupting the %s", build->row->noun);
    // A publisher that finds the output unfinished ends at once; one at work came first.
    if (units_wait_inactive(build->units, UNIT_PUBLISH, build->name.text, UNFINISHED_MS, &state,
                            err) < 0)
        return err->kind == ERROR_TIMEOUT ? publication_interrupted(build, err) : -1;
    if (publication_find(&generation, &is_published, build, err) < 0)
        return -1;
    build_remove_scratch(build);
    if (is_published)
        return error_set(err, ERROR_FAILED, "interrupted too late: it is generation %" PRIu32,
                         generation.number);
    return error_set(err, ERROR_FAILED, "interrupted: nothing has changed");
}

int build_finish(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                 struct error *err)
{
    char result[UNITS_WORD_MAX];

    if (watch_builder(build, result, err) < 0)
        return -1;
    if (!*result)
        return interrupted(build, err);
    // An end that nobody saw is not a failure: the publication will tell.
    if (*build->failure || (strcmp(result, "done") != 0 && strcmp(result, "gone") != 0))
        return buildend_raise(build, result, err);
    build_end_line(build);
    return publication_watch(build, ret, ret_is_unchanged, err);
}
