// SPDX-License-Identifier: MIT

// install: runs SteamCMD in its sandbox, shows how it goes, and waits for the publication.
//
// The init system starts the publication when the update has succeeded, whoever else has died; so
// this command may be killed at any time. It watches, and removes the scratch at the end.

#include "cli/install.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "cli/interrupt.h"
#include "host/broker.h"
#include "host/steamline.h"
#include "host/steamplace.h"

#define KEEP_GENERATIONS 3u
#define OUTPUT_MAX_GAME  (UINT64_C(100) << 30)
#define FAILURE_LINES    50u
#define STOP_TIMEOUT_MS  60000u
#define FULL_BYTES       (64u << 10) // less than this is nothing

int install_prepare(struct cli *cli, struct error *err)
{
    if (!cli->steamcmd)
        return 0;
    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "only root may say where SteamCMD is");
    return steamplace_set(cli->paths, cli->steamcmd, err);
}

static void install_done(struct install *install)
{
    journal_close(install->journal);
    units_close(install->units);
}

// ---- the update --------------------------------------------------------------------------------

int install_open_log(struct install *install, enum log_source source, uint32_t n_lines,
                     uint32_t flags, struct error *err)
{
    journal_close(install->journal);
    install->journal = NULL;
    return journal_open(&install->journal, install->cli->paths, source, &install->build_name,
                        n_lines, flags, err);
}

void install_take_build(struct install *install, const struct reply *reply, uint32_t build)
{
    install->build = build;
    install->job = reply->job;
    (void)snprintf(install->build_name.text, sizeof install->build_name.text, "%" PRIu32,
                   build); // ten digits fit
}

bool install_is_over(const char *active_state)
{
    return strcmp(active_state, "inactive") == 0 || strcmp(active_state, "failed") == 0;
}

static int begin(struct install *install, struct error *err)
{
    const struct host_paths *paths = install->cli->paths;
    struct stat              st;
    struct reply             reply;
    uint32_t                 base = 0;

    if (lstat(paths->steamcmd_link, &st) < 0 && errno == ENOENT)
        return error_set(err, ERROR_DENIED,
                         "it is not known where SteamCMD is: run 'l4d2ctl install --steamcmd PATH' "
                         "as root");
    if (lstat(paths->steamcmd_link, &st) < 0)
        return error_sys(err, errno, "looking at %s", paths->steamcmd_link);
    if (overlays_current(&base, paths, GAME_OVERLAY, err) < 0)
        return -1;
    const struct request_build_start wanted = { .kind = BUILD_UPDATE,
                                                .overlay = GAME_OVERLAY,
                                                .base_generation = base,
                                                .keep = KEEP_GENERATIONS,
                                                .output_max_bytes = OUTPUT_MAX_GAME };
    if (broker_build_start(paths, &wanted, &reply, err) < 0) {
        if (err->kind != ERROR_BUSY || reply.build == 0)
            return -1;
        install->is_attached = true;
        if (!install->cli->is_json)
            puts("An update is running already; this is how it goes.");
    }
    install_take_build(install, &reply, reply.build);
    return install_open_log(install, LOG_UPDATE, INSTALL_LOG_LINES, LOG_FOLLOW, err);
}

// Waits for a word from the init system or the log, or for Ctrl-C.
static void wait_for_news(struct install *install)
{
    struct pollfd fds[] = { { .fd = units_fd(install->units), .events = POLLIN },
                            { .fd = journal_fd(install->journal), .events = POLLIN } };

    // Whatever ended it, everything is looked at next.
    (void)poll(fds, ELEMENTS(fds), INSTALL_WAIT_MS);
}

// Has the update ended, and how? *ret_result is the job's, or "gone" when nobody has seen its end.
static int ask_end(struct install *install, bool *ret_has_ended, char ret_result[UNITS_WORD_MAX],
                   struct error *err)
{
    struct unit_state state;

    *ret_has_ended = true;
    (void)snprintf(ret_result, UNITS_WORD_MAX, "gone"); // it fits
    if (units_dispatch(install->units, err) < 0)
        return -1;
    if (install->job && units_job_has_ended(install->units, install->job, ret_result))
        return 0;
    if (units_state(install->units, UNIT_UPDATE, install->build_name.text, &state, err) < 0)
        return -1;
    // A job that still waits for the mount has an inactive unit: ask for the job as well.
    if (!install_is_over(state.active_state) ||
        (install->job && units_job_exists(install->units, install->job))) {
        *ret_has_ended = false;
        return 0;
    }
    // The signal may have come while we asked.
    if (units_dispatch(install->units, err) < 0)
        return -1;
    if (!(install->job && units_job_has_ended(install->units, install->job, ret_result)) &&
        strcmp(state.active_state, "failed") == 0)
        (void)snprintf(ret_result, UNITS_WORD_MAX, "failed"); // it fits
    return 0;
}

// Shows the update until it ends or is interrupted; `ret_result` is empty then.
static int watch_update(struct install *install, char ret_result[UNITS_WORD_MAX], struct error *err)
{
    bool has_ended = false;

    for (;;) {
        if (install_read_log(install, 0, err) < 0 ||
            ask_end(install, &has_ended, ret_result, err) < 0)
            return -1;
        if (has_ended) // a Ctrl-C that comes too late for the update is the publication's
            return install_drain_log(install, strcmp(ret_result, "done") == 0, err);
        *ret_result = '\0';
        if (interrupt_came())
            return 0;
        wait_for_news(install);
    }
}

static void remove_scratch(const struct install *install)
{
    struct reply reply;
    struct error err;

    // The next update removes it if this fails, so it is worth a line and no more. Somebody else
    // who watched this update may be about it already, or have been.
    if (broker_build(install->cli->paths, VERB_BUILD_REMOVE, install->build, &reply, &err) < 0 &&
        err.kind != ERROR_NOT_FOUND && err.kind != ERROR_BUSY)
        fprintf(stderr,
                "l4d2ctl: the scratch of build %" PRIu32 " stays until the next update: "
                "%s\n",
                install->build, err.message);
}

static int interrupted(struct install *install, struct error *err)
{
    struct unit_state state;
    struct reply      reply;

    install_end_line(install);
    if (install->is_attached)
        return error_set(err, ERROR_FAILED, "the update goes on without being watched");
    if (broker_build(install->cli->paths, VERB_BUILD_STOP, install->build, &reply, err) < 0 ||
        units_wait_inactive(install->units, UNIT_UPDATE, install->build_name.text, STOP_TIMEOUT_MS,
                            &state, err) < 0 ||
        units_state(install->units, UNIT_PUBLISH, install->build_name.text, &state, err) < 0)
        return error_prefix(err, "interrupting the update");
    if (!install_is_over(state.active_state)) // it came too late
        return publication_interrupted(install, err);
    remove_scratch(install);
    return error_set(err, ERROR_FAILED, "interrupted: nothing has changed");
}

static void take_failure(void *data, const struct journal_line *line)
{
    if (steamline_parse(line->text).kind == STEAMLINE_ERROR)
        install_show_line(data, line->text);
}

// The driver's error line is what a person needs most, so it is looked for again in what is there.
static void find_failure(struct install *install)
{
    struct error ignored; // there is a sentence for an update that left none

    if (*install->failure ||
        install_open_log(install, LOG_UPDATE, FAILURE_LINES, LOG_ALL_RUNS, &ignored) < 0 ||
        journal_history(install->journal, JOURNAL_SILENCE_MS, take_failure, install, &ignored) < 0)
        return;
}

// What the helper that makes the scratch failed of is in its own log; this is the likely reason.
static bool is_disk_full(const struct host_paths *paths)
{
    struct statvfs disk;

    return statvfs(paths->data_dir, &disk) == 0 &&
           (disk.f_bavail < FULL_BYTES / disk.f_frsize || (disk.f_files > 0 && disk.f_favail == 0));
}

static int update_failed(struct install *install, const char *result, struct error *err)
{
    install_end_line(install);
    find_failure(install);
    if (!install->is_attached)
        remove_scratch(install);
    if (*install->failure)
        return error_set(err, ERROR_FAILED, "%s", install->failure);
    if (strcmp(result, "assert") == 0)
        return error_set(err, ERROR_FAILED, "the update did not start: " UNITS_NO_FILTER_SENTENCE);
    if (strcmp(result, "dependency") == 0 && is_disk_full(install->cli->paths))
        return error_set(err, ERROR_NO_SPACE,
                         "no space is left on the disk of %.100s: free some "
                         "and try again",
                         install->cli->paths->data_dir);
    if (strcmp(result, "dependency") == 0)
        return error_set(err, ERROR_FAILED,
                         "the scratch of the update could not be mounted: see 'journalctl -u "
                         "left4me-build-mount@%" PRIu32 "'",
                         install->build);
    return error_set(err, ERROR_FAILED,
                     "the update failed: see 'journalctl -u left4me-update@%" PRIu32 "'",
                     install->build);
}

// ---- what came of it ---------------------------------------------------------------------------

// What servers get now, when the update brought nothing new.
static int find_current(struct generation *ret, const struct install *install, struct error *err)
{
    AUTO(freep) struct state *state = NULL;

    if (overlays_read(&state, install->cli->paths, GAME_OVERLAY, err) < 0)
        return -1;
    const struct generation *current = state_find(state, state->current);
    if (!current)
        return error_set(err, ERROR_FAILED,
                         "the update brought no game: look at its log with "
                         "'l4d2ctl install --verbose'");
    *ret = *current;
    return 0;
}

static int report_json(const struct install *install, const struct generation *generation,
                       bool is_unchanged, const struct buffer *summary, struct error *err)
{
    return output_json(
        json_pack("{s:i, s:b, s:i, s:s, s:I, s:I, s:o}", "build", (int)install->build, "changed",
                  (int)!is_unchanged, "generation", (int)generation->number, "note",
                  generation->note, "files", (json_int_t)generation->files, "bytes",
                  (json_int_t)generation->bytes, "summary",
                  summary->n ? output_text_json(summary->bytes, summary->n) : json_null()),
        err);
}

static int report(struct install *install, const struct generation *generation, bool is_unchanged,
                  struct error *err)
{
    AUTO(buffer_done) struct buffer summary = { 0 };
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!is_unchanged)
        publication_read_summary(install, &summary);
    if (install->cli->is_json)
        return report_json(install, generation, is_unchanged, &summary, err);
    buffer_printf(&text, "%s is generation %" PRIu32 "%s%s: %" PRIu64 " files, ",
                  is_unchanged ? "Nothing changed. The game" : "The game", generation->number,
                  *generation->note ? ", " : "", generation->note, generation->files);
    output_size(&text, generation->bytes);
    buffer_add_string(&text, ".\n");
    if (summary.n > 0) {
        buffer_add_escaped(&text, summary.bytes, summary.n);
        buffer_add_string(&text, "\n");
    }
    if (!is_unchanged)
        buffer_add_string(&text,
                          "Servers that run keep what they have until they are restarted.\n");
    output_flush(&text);
    return 0;
}

static int update(struct install *install, struct generation *ret, bool *ret_is_unchanged,
                  struct error *err)
{
    char result[UNITS_WORD_MAX];

    if (begin(install, err) < 0 || watch_update(install, result, err) < 0)
        return -1;
    if (!*result)
        return interrupted(install, err);
    // An end that nobody saw is not a failure: the publication will tell.
    if (*install->failure || (strcmp(result, "done") != 0 && strcmp(result, "gone") != 0))
        return update_failed(install, result, err);
    install_end_line(install);
    return publication_watch(install, ret, ret_is_unchanged, err);
}

int install_run(struct cli *cli, struct error *err)
{
    AUTO(install_done)
    struct install    install = { .cli = cli, .is_terminal = isatty(STDOUT_FILENO) == 1 };
    struct generation generation = { 0 };
    bool              is_unchanged = false, is_done = false;

    interrupt_catch();
    if (units_open(&install.units, cli->paths, err) < 0 ||
        units_subscribe(install.units, err) < 0 ||
        publication_resume(&install, &generation, &is_unchanged, &is_done, err) < 0 ||
        (!is_done && update(&install, &generation, &is_unchanged, err) < 0))
        return -1;
    remove_scratch(&install);
    if (is_unchanged && find_current(&generation, &install, err) < 0)
        return -1;
    return report(&install, &generation, is_unchanged, err);
}
