// SPDX-License-Identifier: MIT

// status: everything about one server, as the init system and the root-owned records tell it.

#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/fd.h"
#include "host/instances.h"
#include "host/journal.h"
#include "host/limittext.h"
#include "host/overlays.h"
#include "host/plan.h"
#include "host/stack.h"
#include "host/verdict.h"

#define RECALL_LINES  2000u // of the log, in which the end of the last run is looked for
#define DAMAGED_WORDS "what was applied before, which is damaged"

// Everything that is known of one instance.
struct status {
    struct instance     *instance;
    struct unit_state    unit;
    struct exit_verdict  exit;
    struct instance_spec applied, mounted;
    bool                 is_applied, is_damaged, is_mounted, is_enabled;
    struct strings       pending;
    char                 pending_error[ERROR_MESSAGE_MAX]; // why pending is not known
    const char          *state;                            // in one word
};

static void status_done(struct status *status)
{
    instance_free(status->instance);
    strings_done(&status->pending);
}

// What is running now, else what would run at the next boot; NULL: never started.
static const struct instance_stack *effective_stack(const struct status *status)
{
    if (status->is_mounted)
        return &status->mounted.stack;
    return status->is_applied ? &status->applied.stack : NULL;
}

static void take_end(void *data, const struct journal_line *line)
{
    struct unit_state *ended = data;

    if (line->is_init && verdict_read_line(ended, line->text)) // a game can say it as well
        ended->exit_us = line->realtime_us;
}

// The init system forgets: of a server that was started again after a crash it knows only the run
// that goes on, of one that ended cleanly nothing at all. Its log still has how the last run ended.
static int recall_exit(struct status *status, const struct cli *cli, struct error *err)
{
    AUTO(journal_closep) struct journal *journal = NULL;
    struct unit_state                    ended = status->unit;

    if (journal_open(&journal, cli->paths, LOG_SERVER, &cli->name, RECALL_LINES, LOG_ALL_RUNS,
                     err) < 0 ||
        journal_history(journal, JOURNAL_SILENCE_MS, take_end, &ended, err) < 0)
        return -1;
    if (!ended.exit_us)
        return 0;
    verdict_exit(&status->exit, &ended);
    memcpy(status->unit.result, ended.result, sizeof ended.result);
    status->unit.exit_us = ended.exit_us;
    return 0;
}

// It has run, since a stack was applied; what the log has of one that has not is of a namesake.
static bool is_forgotten(const struct status *status)
{
    return status->is_applied && strcmp(status->unit.active_state, "inactive") == 0;
}

static int load_status(struct status *status, const struct cli *cli, struct error *err)
{
    AUTO(units_closep) struct units *units = NULL;
    AUTO_FD                          fd = -1;
    struct error                     why;

    if (instances_open(&fd, cli->paths, &cli->name, err) < 0 ||
        instances_load(&status->instance, cli->paths, &cli->name, err) < 0 ||
        stack_read_applied(&status->applied, &status->is_applied, &status->is_damaged, cli->paths,
                           &cli->name, err) < 0 ||
        stack_read_mounted(&status->mounted, &status->is_mounted, cli->paths, &cli->name, err) <
            0 ||
        units_open(&units, cli->paths, err) < 0 ||
        units_state(units, UNIT_SERVER, cli->name.text, &status->unit, err) < 0 ||
        units_is_enabled(units, UNIT_SERVER, cli->name.text, &status->is_enabled, err) < 0)
        return -1;
    verdict_exit(&status->exit, &status->unit);
    if (!status->exit.has_ended && (status->unit.n_restarts > 0 || is_forgotten(status)) &&
        recall_exit(status, cli, &why) < 0) // all else is known without the log
        fprintf(stderr, "l4d2ctl: how the last run of '%s' ended is not known: %s\n",
                cli->name.text, why.message);
    status->state = verdict_state_word(status->unit.active_state, status->unit.sub_state);
    const struct plan_server     server = { cli->paths, &cli->name, status->instance, fd };
    const struct instance_stack *base = effective_stack(status);
    if (base && plan_compare(&status->pending, &server, base, &why) < 0)
        memcpy(status->pending_error, why.message, sizeof why.message);
    if (status->is_damaged)
        strings_add(&status->pending, DAMAGED_WORDS, sizeof DAMAGED_WORDS - 1);
    return 0;
}

static json_t *exit_json(const struct status *status)
{
    const struct exit_verdict *verdict = &status->exit;

    if (!verdict->has_ended && !*verdict->sentence)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:b, s:s, s:s, s:o}", "code",
                     verdict->code < 0 ? json_null() : json_integer(verdict->code), "signal",
                     verdict->signal ? json_integer(verdict->signal) : json_null(), "signal_name",
                     *verdict->signal_word ? json_string(verdict->signal_word) : json_null(),
                     "out_of_memory", (int)verdict->is_out_of_memory, "result", status->unit.result,
                     "explain", verdict->sentence, "at", output_time_json(status->unit.exit_us));
}

static json_t *stack_json(const struct instance_stack *stack)
{
    json_t *layers = json_array();

    if (!stack)
        return json_null();
    for (uint32_t i = 0; i < stack->n_layers; i++)
        (void)json_array_append_new(layers, json_pack("{s:i, s:i}", "overlay",
                                                      (int)stack->layers[i].overlay, "generation",
                                                      (int)stack->layers[i].generation));
    return json_pack("{s:i, s:o, s:i, s:i, s:i}", "config", (int)stack->config_generation,
                     "overlays", layers, "port", (int)stack->port, "tv_port", (int)stack->tv_port,
                     "client_port", (int)stack->client_port);
}

static json_t *current_json(const struct cli *cli, const struct instance *instance)
{
    json_t *layers = json_array();

    for (uint32_t i = instance->n_overlays + 1; i > 0; i--) {
        struct error ignored;
        uint32_t     generation = 0;
        uint32_t     overlay = i > 1 ? instance->overlays[i - 2] : GAME_OVERLAY;
        if (overlays_current(&generation, cli->paths, overlay, &ignored) < 0)
            generation = 0; // null below: the plan has the sentence
        (void)json_array_append_new(layers,
                                    json_pack("{s:i, s:o}", "overlay", (int)overlay, "generation",
                                              generation ? json_integer(generation) : json_null()));
    }
    return layers;
}

static json_t *limits_json(const struct instance_limits *limits)
{
    AUTO(buffer_done) struct buffer cpus = { 0 };

    limittext_format_cpus(&cpus, limits);
    return json_pack("{s:o, s:o, s:o, s:o}", "memory_bytes",
                     limits->memory_bytes ? output_count_json(limits->memory_bytes) : json_null(),
                     "cpu_percent",
                     limits->cpu_percent ? json_integer(limits->cpu_percent) : json_null(), "cpus",
                     cpus.n ? json_string(cpus.bytes) : json_null(), "tasks",
                     limits->tasks ? json_integer(limits->tasks) : json_null());
}

static json_t *status_json(const struct cli *cli, const struct status *status)
{
    const struct unit_state *unit = &status->unit;
    const struct instance   *instance = status->instance;
    json_t                  *json = json_object();
    const struct {
        const char *key;
        json_t     *value;
    } rows[] = {
        { "name", json_string(cli->name.text) },
        { "state", json_string(status->state) },
        { "enabled", json_boolean(status->is_enabled) },
        { "pid", unit->pid ? json_integer(unit->pid) : json_null() },
        { "since", output_time_json(unit->since_us) },
        { "run", *unit->run ? json_string(unit->run) : json_null() },
        { "restarts", json_integer(unit->n_restarts) },
        { "last_exit", exit_json(status) },
        { "port", json_integer(instance->port) },
        { "tv_port", json_integer(instance->tv_port) },
        { "client_port", json_integer(instance->client_port) },
        { "mounted", stack_json(status->is_mounted ? &status->mounted.stack : NULL) },
        { "applied", stack_json(status->is_applied ? &status->applied.stack : NULL) },
        { "current", current_json(cli, instance) },
        { "pending", output_strings_json(&status->pending) },
        { "pending_error", *status->pending_error ? output_text_json(status->pending_error,
                                                                     strlen(status->pending_error))
                                                  : json_null() },
        { "memory_bytes", output_count_json(unit->memory_bytes) },
        { "cpu_ns", output_count_json(unit->cpu_ns) },
        { "tasks", output_count_json(unit->tasks) },
        { "limits", limits_json(&instance->limits) },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        (void)json_object_set_new(json, rows[i].key, rows[i].value); // absent if memory runs out
    return json;
}

static void row(struct buffer *text, const char *key)
{
    buffer_printf(text, "\n  %-12s ", key);
}

static void print_stack(struct buffer *text, const struct instance_stack *stack)
{
    buffer_printf(text, "config %" PRIu32, stack->config_generation);
    for (uint32_t i = 0; i < stack->n_layers; i++)
        buffer_printf(text, ", overlay %" PRIu32 " generation %" PRIu32, stack->layers[i].overlay,
                      stack->layers[i].generation);
}

static void print_state(struct buffer *text, const struct status *status)
{
    const struct unit_state *unit = &status->unit;
    char                     since[OUTPUT_TIME_MAX];

    row(text, "state");
    output_time(since, unit->since_us);
    buffer_printf(text, "%s%s%s, %s at boot", status->state, *since ? " since " : "", since,
                  status->is_enabled ? "started" : "not started");
    if (unit->pid) {
        row(text, "process");
        buffer_printf(text, "%" PRIu32 ", run %s", unit->pid, unit->run);
    }
    if (unit->n_restarts) {
        row(text, "restarts");
        buffer_printf(text, "%" PRIu32 " after a crash", unit->n_restarts);
    }
    if (*status->exit.sentence) {
        row(text, "last exit");
        buffer_add_string(text, status->exit.sentence);
    }
}

static void print_consumption(struct buffer *text, const struct unit_state *unit)
{
    if (unit->memory_bytes != UINT64_MAX) {
        row(text, "memory");
        output_size(text, unit->memory_bytes);
        if (unit->memory_max_bytes != UINT64_MAX) {
            buffer_add_string(text, " of ");
            output_size(text, unit->memory_max_bytes);
        }
    }
    if (unit->cpu_ns != UINT64_MAX) {
        row(text, "cpu time");
        buffer_printf(text, "%.1f s", (double)unit->cpu_ns / 1e9);
    }
    if (unit->tasks != UINT64_MAX) {
        row(text, "tasks");
        buffer_printf(text, "%" PRIu64, unit->tasks);
    }
}

static void print_limits(struct buffer *text, const struct instance_limits *limits)
{
    AUTO(buffer_done) struct buffer words = { 0 };

    if (limits->memory_bytes) {
        buffer_add_string(&words, ", memory ");
        limittext_format_bytes(&words, limits->memory_bytes);
    }
    if (limits->cpu_percent)
        buffer_printf(&words, ", cpu %" PRIu32 " %%", limits->cpu_percent);
    if (limittext_has_cpus(limits)) {
        buffer_add_string(&words, ", processors ");
        limittext_format_cpus(&words, limits);
    }
    if (limits->tasks)
        buffer_printf(&words, ", tasks %" PRIu32, limits->tasks);
    if (words.n > 0) {
        row(text, "limits");
        buffer_add_string(text, words.bytes + 2);
    }
}

static void print_status(const struct cli *cli, const struct status *status)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    const struct instance          *instance = status->instance;
    const struct instance_stack    *stack = effective_stack(status);

    buffer_add_string(&text, cli->name.text);
    print_state(&text, status);
    row(&text, "ports");
    buffer_printf(&text, "%u, SourceTV %u, client %u", instance->port, instance->tv_port,
                  instance->client_port);
    if (stack) {
        row(&text, status->is_mounted ? "runs on" : "next boot");
        print_stack(&text, stack);
    }
    if (status->pending.n > 0) {
        row(&text, "pending");
        output_strings(&text, &status->pending);
        buffer_add_string(&text, status->is_mounted ? " (restart to apply)" : " (start to apply)");
    } else if (*status->pending_error) {
        row(&text, "next start");
        buffer_printf(&text, "would fail: %s", status->pending_error);
    }
    print_consumption(&text, &status->unit);
    print_limits(&text, &instance->limits);
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

int status_run(struct cli *cli, struct error *err)
{
    AUTO(status_done) struct status status = { 0 };

    if (load_status(&status, cli, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(status_json(cli, &status), err);
    print_status(cli, &status);
    return 0;
}
