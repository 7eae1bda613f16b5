// SPDX-License-Identifier: MIT

// buildend: how a builder ended, in one sentence: its own, or what the init system says of it.

#include "cli/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include "base/log.h"
#include "host/verdict.h"

#define FAILURE_LINES 50u
#define RESULT        ".service: Failed with result '"
#define FULL_BYTES    (64u << 10) // less than this is nothing
#define NO_FILTER     "the %s did not start: " UNITS_NO_FILTER_SENTENCE
#define NO_SENTENCE   "the %s failed: see 'journalctl -u %s%" PRIu32 "'"
#define NO_MOUNT                                                                                   \
    "the scratch of the %s could not be mounted: see 'journalctl -u left4me-build-mount@%" PRIu32  \
    "'"

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

// A stop of something that ran has the last word alone.
static bool is_stop(const char *text)
{
    return begins_with(text, "Stopped ");
}

bool buildend_note(struct build *build, const struct journal_line *line)
{
    if (!line->is_init)
        return false;
    (void)verdict_read_line(&build->ending, line->text); // most say nothing of an end
    build->is_cancelled = build->is_cancelled || is_stop(line->text);
    return is_stop(line->text) || verdict_is_failure(line->text);
}

// What the init system still knows of the unit, or has said in the log: whoever removes the scratch
// of a build makes it forget.
static void read_state(struct unit_state *ret, const struct build *build)
{
    struct error ignored; // then what the log says must do

    *ret = (struct unit_state){ .memory_max_bytes = UINT64_MAX };
    if (build->units)
        (void)!build_state(build, build->row->unit, build->number, ret, &ignored);
    if (strcmp(ret->active_state, "failed") == 0 || !*build->ending.result)
        return;
    memcpy(ret->result, build->ending.result, sizeof ret->result);
    ret->exit_code = build->ending.exit_code;
    ret->exit_status = build->ending.exit_status;
}

// ---- in a log ----------------------------------------------------------------------------------

// Empty: the builder has said it, or there is nothing to say.
static void end_sentence(char ret[ERROR_MESSAGE_MAX], const struct build *build, const char *text)
{
    char              sentence[VERDICT_BUILD_MAX];
    struct unit_state state;

    *ret = '\0';
    if (begins_with(text, "Assertion failed for "))
        (void)snprintf(ret, ERROR_MESSAGE_MAX, NO_FILTER, build->row->noun);
    else if (begins_with(text, "Dependency failed for "))
        (void)snprintf(ret, ERROR_MESSAGE_MAX, NO_MOUNT, build->row->noun, build->number);
    if (*ret)
        return;
    read_state(&state, build);
    verdict_build(sentence, build->row->noun, build->is_cancelled, &state);
    if (*sentence)
        memcpy(ret, sentence, sizeof sentence);
    else if (!*build->failure)
        (void)snprintf(ret, ERROR_MESSAGE_MAX, NO_SENTENCE, build->row->noun, build->row->unit,
                       build->number);
}

void buildend_show(struct build *build, const struct journal_line *line)
{
    char                sentence[ERROR_MESSAGE_MAX];
    struct journal_line shown = *line;

    // The result of what fails is told before it is known whether it was stopped.
    if (!buildend_note(build, line) || build->is_end_told || strstr(line->text, RESULT))
        return;
    build->is_end_told = true;
    end_sentence(sentence, build, line->text);
    if (!*sentence)
        return;
    shown.priority = LEVEL_ERROR;
    shown.text = sentence;
    shown.n_text = strlen(sentence);
    buildlog_show(build, &shown);
}

// ---- as an error -------------------------------------------------------------------------------

static void take_line(void *data, const struct journal_line *line)
{
    build_take_failure(data, line);
    (void)buildend_note(data, line);
}

// The builder's error line is what a person needs most, so it is looked for again in what is there.
static void find_failure(struct build *build)
{
    struct error ignored; // there is a sentence for a build that left none

    if (*build->failure ||
        build_open_log(build, build->row->source, FAILURE_LINES, LOG_ALL_RUNS, &ignored) < 0 ||
        journal_history(build->journal, JOURNAL_SILENCE_MS, take_line, build, &ignored) < 0)
        return;
}

// What the helper that makes the scratch failed of is in its own log; this is the likely reason.
static bool is_disk_full(const struct host_paths *paths)
{
    struct statvfs disk;

    return statvfs(paths->data_dir, &disk) == 0 &&
           (disk.f_bavail < FULL_BYTES / disk.f_frsize || (disk.f_files > 0 && disk.f_favail == 0));
}

// It was not even begun.
static int not_begun(const struct build *build, const char *result, struct error *err)
{
    if (strcmp(result, "assert") == 0)
        return error_set(err, ERROR_FAILED, NO_FILTER, build->row->noun);
    if (is_disk_full(build->cli->paths))
        return error_set(err, ERROR_NO_SPACE,
                         "no space is left on the disk of %.100s: free some and try again",
                         build->cli->paths->data_dir);
    return error_set(err, ERROR_FAILED, NO_MOUNT, build->row->noun, build->number);
}

int buildend_recall(struct build *build, struct error *err)
{
    find_failure(build);
    if (*build->failure || *build->ending.result || build->is_cancelled)
        return buildend_raise(build, "failed", err);
    return error_set(err, ERROR_FAILED,
                     "how %s %" PRIu32 " of '%s' ended is not known any more: its log is gone",
                     build->row->noun, build->number, build->title);
}

int buildend_raise(struct build *build, const char *result, struct error *err)
{
    char              sentence[VERDICT_BUILD_MAX];
    struct unit_state state;

    build_end_line(build);
    find_failure(build);
    read_state(&state, build); // before the scratch goes, and what is known of the unit with it
    if (!build->is_attached)
        build_remove_scratch(build);
    verdict_build(sentence, build->row->noun,
                  build->is_cancelled || strcmp(result, UNITS_CANCELLED) == 0, &state);
    // A builder may have had the time to say that it was stopped, but not why.
    if (*sentence)
        return error_set(err, ERROR_FAILED, "%s", sentence);
    if (build->kind == BUILD_SCRIPT)
        (void)verdict_script_code(&build->cli->script_exit_code, build->failure); // or it has none
    if (*build->failure)
        return error_set(err, ERROR_FAILED, "%s", build->failure);
    if (strcmp(result, "assert") == 0 || strcmp(result, "dependency") == 0)
        return not_begun(build, result, err);
    return error_set(err, ERROR_FAILED, NO_SENTENCE, build->row->noun, build->row->unit,
                     build->number);
}
