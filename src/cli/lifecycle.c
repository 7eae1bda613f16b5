// SPDX-License-Identifier: MIT

// lifecycle: initialize, start, stop, restart, reset, delete. Each is idempotent, and a command
// that is killed at any point leaves what the next one repairs.

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "host/broker.h"
#include "host/instances.h"
#include "host/journal.h"
#include "host/ownoverlay.h"
#include "host/plan.h"
#include "host/ports.h"
#include "host/source.h"
#include "host/stack.h"
#include "host/verdict.h"

#define START_TIMEOUT_MS   180000u // more than the unit's own limit, whose sentence is better
#define STOP_TIMEOUT_MS    60000u
#define UNMOUNT_TIMEOUT_MS 30000u
#define TAIL_LINES         10u
#define READ_BYTES         8192u // at a time

// ---- initialize --------------------------------------------------------------------------------

// The file is the caller's: root may keep it where left4me cannot read.
int initialize_prepare(struct cli *cli, struct error *err)
{
    if (!cli->file)
        return error_set(err, ERROR_INVALID, "initialize wants -f SPEC.yaml");
    return file_prepare(cli, INSTANCE_BYTES_MAX, err);
}

// Makes the directories unless they are there: those of a running server are mounted and must be
// left alone. instances/NAME is made last and removed last, upper is made last of its neighbours.
static int create(const struct cli *cli, struct error *err)
{
    AUTO_FD      runtime_fd = -1;
    AUTO_FD      fd = -1;
    struct reply reply;
    struct error ignored;

    if (host_open_data_dir(&runtime_fd, cli->paths, "runtime", err) < 0)
        return -1;
    if (instances_open(&fd, cli->paths, &cli->name, &ignored) == 0) {
        AUTO_FD stack_fd = -1;
        if (fd_open_dir(&stack_fd, runtime_fd, cli->name.text, &ignored) == 0 &&
            faccessat(stack_fd, "upper", F_OK, 0) == 0)
            return 0;
    }
    return broker_instance(cli->paths, VERB_INSTANCE_CREATE, &cli->name, &reply, err);
}

// What differs from the stored state, in words; nothing if there is none.
static int compare_with_stored(struct strings *ret, const struct cli *cli,
                               const struct instance *instance, bool *ret_is_there,
                               struct error *err)
{
    AUTO(instance_freep) struct instance *stored = NULL;
    AUTO_FD                               fd = -1;
    char                                  password[INSTANCE_PASSWORD_MAX + 1];

    *ret_is_there = instances_load(&stored, cli->paths, &cli->name, err) == 0;
    if (!*ret_is_there)
        return err->kind == ERROR_NOT_FOUND || err->kind == ERROR_FAILED ? 0 : -1;
    instance_compare(ret, stored, instance);
    if (instances_open(&fd, cli->paths, &cli->name, err) < 0)
        return -1;
    if (*instance->rcon_password &&
        (instances_load_password(password, fd, cli->name.text, err) < 0 ||
         strcmp(password, instance->rcon_password) != 0))
        strings_add(ret, "rcon_password", sizeof "rcon_password" - 1);
    return buffer_check(&ret->text, err);
}

static int report_initialize(const struct cli *cli, bool is_there, const struct strings *changes,
                             struct error *err)
{
    AUTO(buffer_done) struct buffer note = { 0 };
    const char                     *state = is_there ? "unchanged" : "created";

    if (is_there && changes->n > 0) {
        state = "changed";
        output_strings(&note, changes);
        buffer_add_string(&note, "; it applies at the next start");
    }
    return output_action(cli, "initialize", state, !is_there || changes->n > 0,
                         note.n ? note.bytes : NULL, err);
}

// What the page renders would undo what somebody writes by hand, without a word.
static int check_owner(const struct cli *cli, struct error *err)
{
    bool is_of_page = instances_is_of_page(&cli->name);

    if (is_of_page && !cli->is_of_page)
        return error_set(err, ERROR_DENIED,
                         "'%s' is a name of the page's servers: change them there, and give your "
                         "own ones other names than s and a number",
                         cli->name.text);
    if (!is_of_page && cli->is_of_page)
        return error_set(err, ERROR_INVALID,
                         "--page is for the servers of the page, whose names are s and a number");
    return 0;
}

int initialize_run(struct cli *cli, struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO(strings_done) struct strings     changes = { 0 };
    AUTO_FD                               all_fd = -1;
    AUTO_FD                               fd = -1;
    bool                                  is_there = false;

    if (check_owner(cli, err) < 0 ||
        instance_parse(&instance, cli->file, cli->file_bytes ? cli->file_bytes : "",
                       cli->n_file_bytes, err) < 0)
        return -1;
    // One at a time, so that two of them cannot take the same port.
    if (host_open_data_dir(&all_fd, cli->paths, "instances", err) < 0 ||
        host_lock(all_fd, "the instances", err) < 0 ||
        instances_check_ports(cli->paths, &cli->name, instance, err) < 0 ||
        compare_with_stored(&changes, cli, instance, &is_there, err) < 0 || create(cli, err) < 0 ||
        instances_open(&fd, cli->paths, &cli->name, err) < 0 ||
        host_lock(fd, cli->name.text, err) < 0 || instances_save(fd, instance, err) < 0)
        return -1;
    return report_initialize(cli, is_there, &changes, err);
}

// ---- start and restart -------------------------------------------------------------------------

static void take_tail(void *data, const struct journal_line *line)
{
    strings_add(data, line->text, line->n_text);
}

// Keeps the last lines of a unit's newest run for the error. Best effort: a log that cannot be
// read must not hide the error itself.
static void keep_tail(struct cli *cli, enum log_source source)
{
    AUTO(journal_closep) struct journal *journal = NULL;
    struct error                         ignored;

    if (journal_open(&journal, cli->paths, source, &cli->name, TAIL_LINES, 0, &ignored) < 0 ||
        journal_history(journal, JOURNAL_SILENCE_MS, take_tail, &cli->tail, &ignored) < 0)
        return;
}

static int start_error(struct cli *cli, struct units *units, const char *result, struct error *err)
{
    struct unit_state   state;
    struct exit_verdict verdict;

    if (strcmp(result, "canceled") == 0)
        return error_set(err, ERROR_FAILED, "'%s' did not start: another command canceled it",
                         cli->name.text);
    if (strcmp(result, "assert") == 0)
        return error_set(err, ERROR_FAILED, "'%s' did not start: " UNITS_NO_FILTER_SENTENCE,
                         cli->name.text);
    if (strcmp(result, "dependency") == 0) {
        keep_tail(cli, LOG_MOUNT);
        return error_set(err, ERROR_FAILED, "'%s' did not start: its files could not be mounted",
                         cli->name.text);
    }
    if (units_state(units, UNIT_SERVER, cli->name.text, &state, err) < 0)
        return -1;
    verdict_exit(&verdict, &state);
    keep_tail(cli, LOG_SERVER);
    bool is_retrying = strcmp(state.active_state, "activating") == 0;
    return error_set(err, ERROR_FAILED, "'%s' did not start: %s%s", cli->name.text,
                     *verdict.sentence ? verdict.sentence : result,
                     is_retrying ? "; the init system tries again" : "");
}

static int wait_started(struct cli *cli, struct units *units, uint32_t job, struct error *err)
{
    char result[UNITS_WORD_MAX] = "done";

    if (job && units_wait_job(units, job, START_TIMEOUT_MS, result, err) < 0)
        return error_prefix(err, "'%s'", cli->name.text);
    if (strcmp(result, "gone") == 0) {
        struct unit_state state;
        if (units_state(units, UNIT_SERVER, cli->name.text, &state, err) < 0)
            return -1;
        if (strcmp(state.active_state, "active") == 0)
            return 0;
    }
    return strcmp(result, "done") == 0 ? 0 : start_error(cli, units, result, err);
}

// A note such as "restart to apply: overlay 1, config", or nothing.
static int note_pending(struct buffer *ret, const struct cli *cli, int fd,
                        const struct instance *instance, struct error *err)
{
    AUTO(strings_done) struct strings words = { 0 };
    const struct plan_server          server = { cli->paths, &cli->name, instance, fd };
    struct instance_spec              mounted;
    bool                              is_mounted = false;

    if (stack_read_mounted(&mounted, &is_mounted, cli->paths, &cli->name, err) < 0)
        return -1;
    if (!is_mounted)
        return 0;
    if (plan_compare(&words, &server, &mounted.stack, err) < 0)
        return -1;
    if (words.n > 0) {
        buffer_add_string(ret, "restart to apply: ");
        output_strings(ret, &words);
    }
    return buffer_check(ret, err);
}

static int report_already_running(const struct cli *cli, int fd, const struct instance *instance,
                                  struct error *err)
{
    AUTO(buffer_done) struct buffer note = { 0 };

    buffer_add_string(&note, "already running");
    struct buffer pending = { 0 };
    if (note_pending(&pending, cli, fd, instance, err) == 0 && pending.n > 0)
        buffer_printf(&note, "; %s",
                      pending.bytes); // a plan that cannot be made is not today's fault
    buffer_done(&pending);
    return output_action(cli, "start", "running", false, note.bytes, err);
}

static int plan(struct instance_stack *ret, bool *ret_is_applied, const struct cli *cli, int fd,
                const struct instance *instance, struct error *err)
{
    const struct plan_server server = { cli->paths, &cli->name, instance, fd };

    return plan_make(ret, ret_is_applied, &server, &cli->with, err);
}

static int apply(const struct cli *cli, int fd, const struct instance *instance, struct error *err)
{
    struct instance_stack stack;
    struct reply          reply;
    bool                  is_applied = false;

    if (plan(&stack, &is_applied, cli, fd, instance, err) < 0)
        return -1;
    if (is_applied)
        return 0;
    return broker_stack(cli->paths, VERB_INSTANCE_APPLY, &cli->name, &stack, &reply, err);
}

// Asks for the start while the instance is locked; who waits for the job lets go first, so that a
// stop can interrupt a start that hangs.
static int ask_start(const struct cli *cli, int fd, const struct instance *instance,
                     const char *active_state, struct reply *ret, struct error *err)
{
    bool is_stopped = strcmp(active_state, "inactive") == 0 || strcmp(active_state, "failed") == 0;

    // What is on its way up or down keeps its stack: apply is for stopped ones. A reset that was
    // killed has left no upper layer.
    if (is_stopped && (ports_check_free(cli->paths, instance, err) < 0 || create(cli, err) < 0 ||
                       apply(cli, fd, instance, err) < 0))
        return -1;
    return broker_instance(cli->paths, VERB_INSTANCE_START, &cli->name, ret, err);
}

static int open_instance(struct instance **ret, int *ret_fd, const struct cli *cli,
                         struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO_FD                               fd = -1;

    if (instances_open(&fd, cli->paths, &cli->name, err) < 0 ||
        host_lock(fd, cli->name.text, err) < 0 ||
        instances_load(&instance, cli->paths, &cli->name, err) < 0)
        return -1;
    *ret = TAKE(instance);
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int start_run(struct cli *cli, struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO(units_closep) struct units      *units = NULL;
    AUTO_FD                               fd = -1;
    struct unit_state                     state;
    struct reply                          reply;
    bool                                  is_enabled = false;

    if (open_instance(&instance, &fd, cli, err) < 0 || units_open(&units, cli->paths, err) < 0 ||
        units_subscribe(units, err) < 0 ||
        units_state(units, UNIT_SERVER, cli->name.text, &state, err) < 0 ||
        units_is_enabled(units, UNIT_SERVER, cli->name.text, &is_enabled, err) < 0)
        return -1;
    if (strcmp(state.active_state, "active") == 0 && cli->with.n > 0)
        return error_set(err, ERROR_BUSY, "the server runs: use 'l4d2ctl restart' with --with");
    if (strcmp(state.active_state, "active") == 0 && is_enabled)
        return report_already_running(cli, fd, instance, err);
    if (strcmp(state.active_state, "deactivating") == 0 &&
        units_wait_inactive(units, UNIT_SERVER, cli->name.text, STOP_TIMEOUT_MS, &state, err) < 0)
        return -1;
    if (ask_start(cli, fd, instance, state.active_state, &reply, err) < 0)
        return -1;
    fd = fd_close(fd); // the lock
    if (wait_started(cli, units, reply.job, err) < 0)
        return -1;
    return output_action(cli, "start", "running", true, NULL, err);
}

int restart_run(struct cli *cli, struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO(units_closep) struct units      *units = NULL;
    AUTO_FD                               fd = -1;
    struct instance_stack                 stack;
    struct reply                          reply;
    bool                                  is_applied = false;

    if (open_instance(&instance, &fd, cli, err) < 0 || units_open(&units, cli->paths, err) < 0 ||
        units_subscribe(units, err) < 0 || plan(&stack, &is_applied, cli, fd, instance, err) < 0 ||
        broker_stack(cli->paths, VERB_INSTANCE_RESTART, &cli->name, &stack, &reply, err) < 0)
        return -1;
    fd = fd_close(fd); // the lock
    if (wait_started(cli, units, reply.job, err) < 0)
        return -1;
    return output_action(cli, "restart", "running", true, NULL, err);
}

// ---- stop, kill, reset, delete -----------------------------------------------------------------

// Stops the server, by a verb of the broker's, and waits until its files are unmounted.
static int stop(const struct cli *cli, enum verb verb, bool *ret_was_running, struct error *err)
{
    AUTO(units_closep) struct units *units = NULL;
    struct unit_state                state;
    struct reply                     reply;
    char                             result[UNITS_WORD_MAX];
    bool                             is_enabled = false;

    if (units_open(&units, cli->paths, err) < 0 || units_subscribe(units, err) < 0 ||
        units_state(units, UNIT_SERVER, cli->name.text, &state, err) < 0 ||
        units_is_enabled(units, UNIT_SERVER, cli->name.text, &is_enabled, err) < 0)
        return -1;
    *ret_was_running = strcmp(verdict_state_word(state.active_state, ""), "stopped") != 0 &&
                       strcmp(state.active_state, "failed") != 0;
    // Stopped already, and for the next boot too: a request would only cost its time.
    if (strcmp(state.active_state, "inactive") == 0 && !is_enabled)
        return 0;
    if (broker_instance(cli->paths, verb, &cli->name, &reply, err) < 0)
        return -1;
    if (reply.job && units_wait_job(units, reply.job, STOP_TIMEOUT_MS, result, err) < 0)
        return error_prefix(err, "stopping '%s'", cli->name.text);
    if (units_wait_inactive(units, UNIT_SERVER, cli->name.text, STOP_TIMEOUT_MS, &state, err) < 0)
        return error_prefix(err, "stopping '%s'", cli->name.text);
    if (units_wait_inactive(units, UNIT_MOUNT, cli->name.text, UNMOUNT_TIMEOUT_MS, &state, err) < 0)
        return error_prefix(err, "unmounting the files of '%s'", cli->name.text);
    return 0;
}

static int require_instance(const struct cli *cli, struct error *err)
{
    AUTO_FD fd = -1;

    return instances_open(&fd, cli->paths, &cli->name, err);
}

static int stop_by(struct cli *cli, enum verb verb, const char *action, struct error *err)
{
    bool was_running = false;

    if (require_instance(cli, err) < 0 || stop(cli, verb, &was_running, err) < 0)
        return -1;
    return output_action(cli, action, "stopped", was_running,
                         was_running ? NULL : "it was not running", err);
}

int stop_run(struct cli *cli, struct error *err)
{
    return stop_by(cli, VERB_INSTANCE_STOP, "stop", err);
}

int kill_run(struct cli *cli, struct error *err)
{
    return stop_by(cli, VERB_INSTANCE_KILL, "kill", err);
}

int reset_run(struct cli *cli, struct error *err)
{
    struct reply reply;
    bool         was_running = false;

    if (require_instance(cli, err) < 0 || stop(cli, VERB_INSTANCE_STOP, &was_running, err) < 0 ||
        broker_instance(cli->paths, VERB_INSTANCE_WIPE, &cli->name, &reply, err) < 0)
        return -1;
    return output_action(cli, "reset", "stopped", true, "what the game had written is gone", err);
}

int delete_run(struct cli *cli, struct error *err)
{
    struct reply reply;
    AUTO_FD      sources_fd = -1;
    bool         was_running = false;
    bool         is_absent = require_instance(cli, err) < 0 && err->kind == ERROR_NOT_FOUND;

    // Also for an absent one: a delete that was cut short may have left a unit or a directory.
    if (!is_absent && stop(cli, VERB_INSTANCE_STOP, &was_running, err) < 0)
        return -1;
    if (broker_instance(cli->paths, VERB_INSTANCE_REMOVE, &cli->name, &reply, err) < 0 &&
        !(is_absent && err->kind == ERROR_NOT_FOUND))
        return -1;
    if (source_lock(&sources_fd, cli->paths, err) < 0 ||
        ownoverlay_drop(cli->paths, &cli->name, err) < 0)
        return -1;
    return output_action(cli, "delete", is_absent ? "absent" : "deleted", !is_absent,
                         is_absent ? "nothing to delete" : NULL, err);
}
