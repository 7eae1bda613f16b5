// SPDX-License-Identifier: MIT
#include "work/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl/answer.h"
#include "work/kinds.h"
#include "work/repeat.h"
#include "work/rollout.h"
#include "work/rows.h"
#include "work/said.h"
#include "work/spec.h"

#define TIME_MS       600000u  // of a command that is no build; those have their own limits
#define PENDING_MAX   1048576u // bytes of lines that are not written yet
#define LINES_AT_ONCE 64u
#define PREFIX        "l4d2ctl: "

// In the order in which they come; most jobs have two of them.
enum step {
    STEP_BEGIN,
    STEP_SPEC,
    STEP_COMMAND,
    STEP_RECALL,
    STEP_COMPARE,
    STEP_CANCEL,
    STEP_END,
};

struct run {
    const struct run_host *host;
    struct job             job;
    char                   instance[SERVER_INSTANCE_MAX];
    enum step              step;
    struct ctl            *ctl; // NULL: no command is at work
    struct rollout        *rollout;
    struct said            said;
    json_t                *made; // what the command has said, while it is compared
    struct run_line       *lines;
    size_t                 n_lines, room, n_bytes; // of the lines
    int                    progress;
    bool                   is_begun, is_cancelled, is_given_up, is_paused;
    enum job_state         state; // of one that has ended
    struct error           why;
};

static int  begin_step(struct run *run, struct error *err);
static void advance(struct run *run);

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // it is always there
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// ---- lines ------------------------------------------------------------------------------------

// Without memory a line is lost, and nothing else.
static void add_line(struct run *run, enum job_stream stream, const char *text, size_t n)
{
    if (run->n_lines == run->room) {
        size_t           room = run->room + LINES_AT_ONCE + run->room / 2;
        struct run_line *grown = reallocarray(run->lines, room, sizeof *grown);
        if (!grown)
            return;
        run->lines = grown;
        run->room = room;
    }
    n = MIN(n, JOB_LINE_MAX);
    struct run_line line = { now_us(), stream, n, malloc(n + 1) };
    if (!line.text)
        return;
    memcpy(line.text, text, n);
    line.text[n] = '\0';
    run->lines[run->n_lines++] = line;
    run->n_bytes += n + sizeof line;
}

static void add_note(struct run *run, const char *text)
{
    add_line(run, JOB_NOTE, text, strlen(text));
}

const struct run_line *run_lines(const struct run *run, size_t *ret_n)
{
    *ret_n = run->n_lines;
    return run->lines;
}

void run_forget_lines(struct run *run)
{
    for (size_t i = 0; i < run->n_lines; i++)
        free(run->lines[i].text);
    run->n_lines = run->n_bytes = 0;
    if (run->is_paused && run->ctl)
        ctl_resume(run->ctl);
    run->is_paused = false;
}

// ---- the end ----------------------------------------------------------------------------------

static void end(struct run *run, enum job_state state)
{
    run->step = STEP_END;
    run->state = state;
}

void run_fail(struct run *run, const struct error *why)
{
    run->why = *why;
    end(run, JOB_FAILED);
}

// The last lines of the log that an error came with.
static void add_tail(struct run *run, const json_t *document)
{
    const json_t *log = json_object_get(json_object_get(document, "error"), "log"), *line;
    size_t        i;

    if (json_array_size(log) > 0)
        add_note(run, "The last lines of its log:");
    json_array_foreach(log, i, line) if (json_is_string(line))
        add_line(run, JOB_OUTPUT, json_string_value(line), json_string_length(line));
}

// ---- what a command says ----------------------------------------------------------------------

static void take_output(struct run *run, const char *text, size_t n)
{
    struct said_line line;

    said_take(&line, &run->said, text, n);
    switch (line.kind) {
    case SAID_NOTHING:
        break;
    case SAID_TEXT:
        add_line(run, line.stream, line.text, line.n_text);
        break;
    case SAID_PROGRESS:
        run->progress = line.percent;
        break;
    }
    said_line_done(&line);
}

static void take_line(void *context, enum ctl_stream stream, const char *text, size_t n,
                      bool is_cut)
{
    struct run  *run = context;
    const size_t n_prefix = sizeof PREFIX - 1;
    bool         has_prefix = n >= n_prefix && memcmp(text, PREFIX, n_prefix) == 0;

    (void)is_cut; // the log says nothing of it either
    if (stream == CTL_OUTPUT)
        take_output(run, text, n);
    else
        add_line(run, JOB_ERROR, text + (has_prefix ? n_prefix : 0),
                 n - (has_prefix ? n_prefix : 0));
    if (run->n_bytes > PENDING_MAX && !run->is_paused) {
        run->is_paused = true;
        ctl_pause(run->ctl);
    }
    run->host->changed(run->host->context);
}

// What was killed may have made already what it was to make.
static bool may_be_made(const struct run *run)
{
    const struct kind *kind = kind_find(run->job.kind);

    return run->step == STEP_COMMAND && kind->again && run->is_begun &&
           run->why.kind == ERROR_EXISTS;
}

// Whether it was, or never was there, nobody can tell any more.
static bool may_be_taken(const struct run *run)
{
    return run->step == STEP_COMMAND && kind_is(&run->job, KIND_TAKES) && run->is_begun &&
           run->why.kind == ERROR_NOT_FOUND;
}

static void take_failure(struct run *run, const struct ctl_end *ended)
{
    (void)answer_raise(ended, run->said.last, &run->why);
    add_tail(run, run->said.last);
    if (run->step == STEP_COMMAND && kind_is(&run->job, KIND_ABSENT_IS_FINE) &&
        run->why.kind == ERROR_NOT_FOUND) {
        add_note(run, "it was never started");
        end(run, JOB_DONE);
    } else if (may_be_made(run)) {
        run->step = STEP_RECALL;
        advance(run);
    } else {
        if (may_be_taken(run))
            (void)error_prefix(&run->why, "the worker ended before it, so it may have been done");
        end(run, JOB_FAILED);
    }
}

// Who cancels a build that somebody else watches as well wants it to end all the same.
static void take_cancelled(struct run *run)
{
    bool is_on_host = kind_is(&run->job, KIND_BUILD) && run->job.overlay;

    if (run->step == STEP_CANCEL || !is_on_host) {
        end(run, run->is_given_up ? JOB_FAILED : JOB_CANCELLED);
        return;
    }
    run->step = STEP_CANCEL;
    advance(run);
}

// A build goes on without the worker: one of a job that has failed must not be published later.
static void give_up(struct run *run)
{
    (void)error_set(&run->why, ERROR_FAILED,
                    "it was begun %u times, and each time the worker ended before it, so it may be "
                    "done or not: see 'journalctl -u left4me-worker'",
                    RUN_ATTEMPTS_MAX);
    run->is_given_up = true;
    take_cancelled(run);
}

static bool is_last(const struct run *run)
{
    return run->step != STEP_SPEC || !kind_find(run->job.kind)->command;
}

// The result stays as it was if nothing can be said against it.
static void take_compared(struct run *run)
{
    struct error why;

    if (repeat_correct(run->made, run->host->db, &run->job, run->said.last, &why) < 0)
        add_note(run, why.message);
    said_done(&run->said);
    run->said.last = TAKE(run->made);
    end(run, JOB_DONE);
}

static void compare(struct run *run)
{
    struct error why;

    run->made = json_incref(run->said.last);
    run->step = STEP_COMPARE;
    if (begin_step(run, &why) < 0)
        take_compared(run);
}

static void done(void *context, const struct ctl_end *ended)
{
    struct run *run = context;
    bool        is_success = answer_is_success(ended);

    run->ctl = NULL;
    if (run->step == STEP_COMPARE) {
        take_compared(run);
    } else if (run->step == STEP_CANCEL || (run->is_cancelled && !(is_success && is_last(run)))) {
        take_cancelled(run);
    } else if (!is_success) {
        take_failure(run, ended);
    } else if (run->is_begun && repeat_is_open(&run->job, run->said.last)) {
        compare(run);
    } else if (is_last(run)) {
        end(run, JOB_DONE);
    } else {
        run->step = STEP_COMMAND;
        advance(run);
    }
    run->host->changed(run->host->context);
}

static const struct ctl_handler handler = { .line = take_line, .done = done };

// ---- a rollout --------------------------------------------------------------------------------

static void say(void *context, const char *text)
{
    struct run *run = context;

    add_note(run, text);
    run->host->changed(run->host->context);
}

static void take_progress(void *context, int percent)
{
    struct run *run = context;

    run->progress = percent;
    run->host->changed(run->host->context);
}

static void take_work(void *context)
{
    const struct run *run = context;

    run->host->has_work(run->host->context);
}

static void take_result(void *context, json_t *result, const struct error *why)
{
    struct run *run = context;

    run->rollout = NULL;
    run->said.last = result;
    if (why)
        run_fail(run, why);
    else
        end(run, JOB_DONE);
    run->host->changed(run->host->context);
}

static const struct rollout_handler rollout_handler = { say, take_progress, take_work,
                                                        take_result };

// ---- the steps --------------------------------------------------------------------------------

static int make_command(struct command *ret, struct run *run, struct error *err)
{
    AUTO(buffer_done) struct buffer spec = { 0 };

    switch (run->step) {
    case STEP_SPEC:
        return spec_read(&spec, run->host->db, run->job.server, run->host->key, err) < 0
                   ? -1
                   : kind_specify(ret, run->instance, &spec, err);
    case STEP_COMMAND:
        return kind_command(ret, &run->job, run->instance, err);
    case STEP_RECALL:
        return kind_recall(ret, &run->job, err);
    case STEP_COMPARE:
        return kind_show(ret, &run->job, err);
    case STEP_CANCEL:
        return kind_cancel(ret, &run->job, err);
    case STEP_BEGIN:
    case STEP_END:
        break;
    }
    return error_set(err, ERROR_SYSTEM, "a job is at a step that is none");
}

static int start(struct run *run, const struct command *command, struct error *err)
{
    const char        *words[CTL_WORDS_MAX + 1] = { 0 };
    struct ctl_request request = { .mode = CTL_LINES,
                                   .words = words,
                                   .input = command->has_input ? command->input.bytes : NULL,
                                   .n_input = command->input.n,
                                   .limits = ctl_limits_default };
    size_t             n = 0;

    for (const char *word = NULL; (word = strings_next(&command->words, word));) {
        if (n == CTL_WORDS_MAX)
            return error_set(err, ERROR_INVALID, "the job has too many parameters");
        words[n++] = word;
    }
    if (command->has_input && !request.input)
        request.input = ""; // there is one, without a byte
    request.limits.time_ms = kind_is(&run->job, KIND_BUILD) ? 0 : TIME_MS;
    request.limits.grace_ms = RUN_GRACE_MS;
    request.limits.output_bytes = 0;
    return ctl_run(&run->ctl, run->host->pool, &request, &handler, run, err);
}

// Begins the command of the step.
static int begin_step(struct run *run, struct error *err)
{
    AUTO(command_done) struct command command = { 0 };

    said_done(&run->said);
    return make_command(&command, run, err) < 0 ? -1 : start(run, &command, err);
}

static void advance(struct run *run)
{
    struct error err = { 0 };

    if (begin_step(run, &err) < 0)
        run_fail(run, &err);
}

static void fail_once(struct run *run)
{
    (void)error_set(&run->why, ERROR_FAILED,
                    "the worker ended before it, so it may be done or not, and is not done twice: "
                    "look which generation is the current one, and select the one that is to be");
    end(run, JOB_FAILED);
}

static void begin(struct run *run)
{
    struct error err = { 0 };

    if (run->job.attempt > RUN_ATTEMPTS_MAX) {
        give_up(run);
        return;
    }
    if (run->is_begun && !kind_is_repeatable(&run->job)) {
        fail_once(run);
        return;
    }
    if (run->is_begun)
        add_note(run, "The worker was started again, and goes on with it.");
    if (kind_check(&run->job, &err) < 0 ||
        rows_before(run->instance, run->host->db, &run->job, &err) < 0) {
        run_fail(run, &err);
    } else if (run->is_cancelled) {
        take_cancelled(run);
    } else if (kind_is(&run->job, KIND_ROLLOUT)) {
        if (rollout_begin(&run->rollout, run->host->event, run->host->db, &run->job,
                          &rollout_handler, run, &err) < 0)
            run_fail(run, &err);
    } else {
        run->step = kind_is(&run->job, KIND_SPEC) ? STEP_SPEC : STEP_COMMAND;
        advance(run);
    }
}

// ---- for the runner ---------------------------------------------------------------------------

struct run *run_begin(const struct run_host *host, const struct job *job, bool is_begun)
{
    struct run *run = calloc(1, sizeof *run);

    if (!run)
        return NULL;
    run->host = host;
    run->job = *job;
    run->is_begun = is_begun;
    run->progress = job->progress;
    run->is_cancelled = job->is_cancelled;
    begin(run);
    return run;
}

struct run *run_free(struct run *run)
{
    if (!run)
        return NULL;
    if (run->ctl)
        ctl_leave(run->ctl);
    run->ctl = NULL;
    run->rollout = rollout_leave(run->rollout);
    run_forget_lines(run);
    free(run->lines);
    said_done(&run->said);
    json_decref(run->made);
    free(run);
    return NULL;
}

const struct job *run_job(const struct run *run)
{
    return &run->job;
}

bool run_is_build(const struct run *run)
{
    return kind_is(&run->job, KIND_BUILD);
}

int run_progress(const struct run *run)
{
    return run->progress;
}

void run_cancel(struct run *run)
{
    if (run->is_cancelled)
        return;
    run->is_cancelled = true;
    if (run->ctl)
        ctl_stop(run->ctl);
    if (!run->rollout)
        return;
    run->rollout = rollout_leave(run->rollout);
    end(run, JOB_CANCELLED);
}

bool run_has_ended(const struct run *run, enum job_state *ret, struct error *ret_why)
{
    if (run->step != STEP_END)
        return false;
    *ret = run->state;
    *ret_why = run->why;
    return true;
}

const json_t *run_result(const struct run *run)
{
    return run->said.last;
}
