// SPDX-License-Identifier: MIT
#include "ctl/ctl.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "ctl/gather.h"
#include "ctl/process.h"

#define READ_BYTES  65536u // in one turn: the others have theirs as well
#define DRAIN_MS    1000u  // for output that is on its way, when the child has ended
#define ACCURACY_US 10000u

const struct ctl_limits ctl_limits_default = {
    .time_ms = 20000,
    .grace_ms = 5000,
    .line_bytes = 65536,
    .output_bytes = 1 << 20,
};

// A stream from the child. The descriptor is -1, and the source NULL, when it has ended.
struct outlet {
    struct ctl      *ctl;
    enum ctl_stream  stream;
    int              fd;
    sd_event_source *source;
    struct gather    gathered;
};

struct ctl {
    struct ctl_pool          *pool;
    struct ctl               *next;    // of the pool
    const struct ctl_handler *handler; // NULL: it was left
    void                     *context;
    enum ctl_mode             mode;
    struct ctl_limits         limits;
    pid_t                     pid; // not reaped before the run is over: the number is its own
    int                       pid_fd;
    sd_event_source          *exit_source, *timer;
    struct outlet             outlets[2];
    uint64_t                  n_output;
    enum ctl_cause            cause;
    bool                      is_stopping, has_ended, is_paused;
    siginfo_t                 ending;
};

struct ctl_pool {
    sd_event   *event;
    char       *program;
    unsigned    n, n_max;
    struct ctl *all;
};

// ---- the end ----------------------------------------------------------------------------------

static void close_outlet(struct outlet *outlet)
{
    outlet->source = sd_event_source_disable_unref(outlet->source);
    outlet->fd = fd_close(outlet->fd);
}

static void unlink_run(struct ctl *ctl)
{
    struct ctl **at = &ctl->pool->all;

    while (*at != ctl)
        at = &(*at)->next;
    *at = ctl->next;
    ctl->pool->n--;
}

// Those that it has left behind are in its group, which is there as long as it is not reaped.
static void release(struct ctl *ctl)
{
    (void)kill(-ctl->pid, SIGKILL);                     // there may be nobody
    (void)waitid(P_PID, (id_t)ctl->pid, NULL, WEXITED); // it is ours, and ends
    ctl->exit_source = sd_event_source_disable_unref(ctl->exit_source);
    ctl->timer = sd_event_source_disable_unref(ctl->timer);
    for (size_t i = 0; i < ELEMENTS(ctl->outlets); i++) {
        close_outlet(&ctl->outlets[i]);
        gather_done(&ctl->outlets[i].gathered);
    }
    (void)fd_close(ctl->pid_fd);
    free(ctl);
}

static void free_run(struct ctl *ctl)
{
    unlink_run(ctl);
    release(ctl);
}

static void tell_end(const struct ctl *ctl)
{
    const struct gather *whole = &ctl->outlets[CTL_OUTPUT].gathered;
    bool                 is_whole = ctl->mode == CTL_WHOLE;
    bool                 is_exit = ctl->ending.si_code == CLD_EXITED;
    struct ctl_end       end = { .cause = ctl->cause,
                                 .code = is_exit ? ctl->ending.si_status : -1,
                                 .signal = is_exit ? 0 : ctl->ending.si_status,
                                 .output = is_whole && whole->bytes ? whole->bytes : "",
                                 .n_output = is_whole ? whole->n : 0,
                                 .limits = ctl->limits };

    if (ctl->handler && ctl->handler->done)
        ctl->handler->done(ctl->context, &end);
}

static bool has_output(const struct ctl *ctl)
{
    return ctl->outlets[CTL_OUTPUT].fd >= 0 || ctl->outlets[CTL_ERROR].fd >= 0;
}

// The run may be gone afterwards.
static void settle(struct ctl *ctl)
{
    if (!ctl->has_ended || has_output(ctl))
        return;
    unlink_run(ctl); // whoever hears of it may begin another one in its place
    tell_end(ctl);
    release(ctl);
}

// ---- time -------------------------------------------------------------------------------------

static void set_timer(struct ctl *ctl, unsigned ms)
{
    (void)sd_event_source_set_time_relative(ctl->timer, ms * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(ctl->timer, SD_EVENT_ONESHOT);          // likewise
}

static void stop(struct ctl *ctl, enum ctl_cause cause)
{
    if (ctl->is_stopping || ctl->has_ended)
        return;
    ctl->is_stopping = true;
    ctl->cause = cause;
    (void)kill(-ctl->pid, SIGINT); // it is there, since it is not reaped
    set_timer(ctl, ctl->limits.grace_ms);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct ctl *ctl = context;

    (void)source;
    (void)usec;
    if (ctl->has_ended) { // somebody else holds the pipe
        close_outlet(&ctl->outlets[CTL_OUTPUT]);
        close_outlet(&ctl->outlets[CTL_ERROR]);
        settle(ctl);
    } else if (ctl->is_stopping) {
        (void)kill(-ctl->pid, SIGKILL); // as above
    } else {
        stop(ctl, CTL_TOO_LONG);
    }
    return 0;
}

static int on_exit_of(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct ctl *ctl = context;

    (void)source;
    (void)fd;
    (void)events;
    if (waitid(P_PID, (id_t)ctl->pid, &ctl->ending, WEXITED | WNOHANG | WNOWAIT) < 0 ||
        ctl->ending.si_pid == 0)
        return 0;
    ctl->has_ended = true;
    ctl->exit_source = sd_event_source_disable_unref(ctl->exit_source);
    // Whoever has paused it has what there is when he goes on.
    (void)sd_event_source_set_enabled(ctl->timer, SD_EVENT_OFF); // no way to fail
    if (!ctl->is_paused)
        set_timer(ctl, DRAIN_MS);
    settle(ctl);
    return 0;
}

// ---- output -----------------------------------------------------------------------------------

static void take_line(void *context, const char *line, size_t n, bool is_cut)
{
    const struct outlet *outlet = context;
    struct ctl          *ctl = outlet->ctl;

    if (ctl->handler && ctl->handler->line)
        ctl->handler->line(ctl->context, outlet->stream, line, n, is_cut);
}

static bool is_too_large(struct ctl *ctl, size_t n)
{
    ctl->n_output += n;
    return ctl->limits.output_bytes && ctl->n_output > ctl->limits.output_bytes;
}

static void take_bytes(struct outlet *outlet, const char *bytes, size_t n)
{
    struct ctl *ctl = outlet->ctl;
    int         r = 0;

    if (is_too_large(ctl, n))
        r = -1;
    else if (outlet->stream == CTL_ERROR || ctl->mode == CTL_LINES)
        r = gather_lines(&outlet->gathered, bytes, n, ctl->limits.line_bytes, take_line, outlet);
    else if (ctl->mode == CTL_WHOLE)
        r = gather_keep(&outlet->gathered, bytes, n);
    else if (ctl->handler && ctl->handler->bytes)
        ctl->handler->bytes(ctl->context, bytes, n);
    if (r < 0) // without memory it is as if it were too much
        stop(ctl, CTL_TOO_LARGE);
}

static void end_outlet(struct outlet *outlet)
{
    if (outlet->stream == CTL_ERROR || outlet->ctl->mode == CTL_LINES)
        gather_finish(&outlet->gathered, take_line, outlet);
    close_outlet(outlet);
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct outlet *outlet = context;
    char           bytes[READ_BYTES];
    ssize_t        n = read(fd, bytes, sizeof bytes);

    (void)source;
    (void)events;
    if (n > 0)
        take_bytes(outlet, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        end_outlet(outlet);
    settle(outlet->ctl);
    return 0;
}

// ---- the pool ---------------------------------------------------------------------------------

int ctl_pool_open(struct ctl_pool **ret, sd_event *event, const char *program, unsigned n_max,
                  struct error *err)
{
    AUTO(ctl_pool_closep) struct ctl_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return error_sys(err, ENOMEM, "preparing to run commands");
    pool->event = sd_event_ref(event);
    pool->n_max = n_max;
    pool->program = strdup(program);
    if (!pool->program)
        return error_sys(err, ENOMEM, "preparing to run commands");
    *ret = TAKE(pool);
    return 0;
}

struct ctl_pool *ctl_pool_close(struct ctl_pool *pool)
{
    if (!pool)
        return NULL;
    while (pool->all)
        free_run(pool->all);
    sd_event_unref(pool->event);
    free(pool->program);
    free(pool);
    return NULL;
}

void ctl_pool_closep(struct ctl_pool **pool)
{
    (void)ctl_pool_close(*pool);
}

unsigned ctl_pool_running(const struct ctl_pool *pool)
{
    return pool->n;
}

// ---- a run ------------------------------------------------------------------------------------

static int add_sources(struct ctl *ctl, struct error *err)
{
    sd_event *event = ctl->pool->event;
    int       r = sd_event_add_io(event, &ctl->exit_source, ctl->pid_fd, EPOLLIN, on_exit_of, ctl);

    for (size_t i = 0; r >= 0 && i < ELEMENTS(ctl->outlets); i++)
        r = sd_event_add_io(event, &ctl->outlets[i].source, ctl->outlets[i].fd, EPOLLIN, on_output,
                            &ctl->outlets[i]);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &ctl->timer, CLOCK_MONOTONIC,
                                       ctl->limits.time_ms * UINT64_C(1000), ACCURACY_US, on_time,
                                       ctl);
    if (r >= 0 && !ctl->limits.time_ms)
        r = sd_event_source_set_enabled(ctl->timer, SD_EVENT_OFF);
    return r < 0 ? error_sys(err, -r, "watching a command") : 0;
}

static int start(struct ctl *ctl, const struct ctl_request *request, struct error *err)
{
    const char    *argv[CTL_WORDS_MAX + 2] = { ctl->pool->program };
    struct process process;
    size_t         n = 0;

    for (; request->words[n]; n++) {
        if (n == CTL_WORDS_MAX)
            return error_set(err, ERROR_INVALID, "a command has more than %u words", CTL_WORDS_MAX);
        argv[n + 1] = request->words[n];
    }
    if (request->n_input > CTL_INPUT_MAX)
        return error_set(err, ERROR_INVALID, "the input of a command has more than %u MiB",
                         CTL_INPUT_MAX >> 20);
    if (process_start(&process, ctl->pool->program, argv, request->input, request->n_input, err) <
        0)
        return -1;
    ctl->pid = process.pid;
    ctl->pid_fd = process.pid_fd;
    ctl->outlets[CTL_OUTPUT] = (struct outlet){ ctl, CTL_OUTPUT, process.output_fd };
    ctl->outlets[CTL_ERROR] = (struct outlet){ ctl, CTL_ERROR, process.error_fd };
    return 0;
}

int ctl_run(struct ctl **ret, struct ctl_pool *pool, const struct ctl_request *request,
            const struct ctl_handler *handler, void *context, struct error *err)
{
    AUTO(freep) struct ctl *ctl = calloc(1, sizeof *ctl);

    assert(request->mode != CTL_WHOLE || request->limits.output_bytes);
    assert(request->limits.line_bytes);
    if (!ctl)
        return error_sys(err, ENOMEM, "running a command");
    if (pool->n >= pool->n_max)
        return error_set(err, ERROR_BUSY, "%u commands are at work already: try again in a moment",
                         pool->n);
    ctl->pool = pool;
    ctl->handler = handler;
    ctl->context = context;
    ctl->mode = request->mode;
    ctl->limits = request->limits;
    if (start(ctl, request, err) < 0)
        return -1;
    ctl->next = pool->all;
    pool->all = ctl;
    pool->n++;
    struct ctl *run = TAKE(ctl);
    if (add_sources(run, err) < 0) {
        free_run(run);
        return -1;
    }
    *ret = run;
    return 0;
}

void ctl_stop(struct ctl *ctl)
{
    stop(ctl, CTL_STOPPED);
}

static void set_reading(struct ctl *ctl, int enabled)
{
    for (size_t i = 0; i < ELEMENTS(ctl->outlets); i++)
        if (ctl->outlets[i].source)
            (void)sd_event_source_set_enabled(ctl->outlets[i].source, enabled); // no way to fail
}

void ctl_pause(struct ctl *ctl)
{
    ctl->is_paused = true;
    set_reading(ctl, SD_EVENT_OFF);
    if (ctl->has_ended)
        (void)sd_event_source_set_enabled(ctl->timer, SD_EVENT_OFF); // no way to fail
}

void ctl_resume(struct ctl *ctl)
{
    ctl->is_paused = false;
    set_reading(ctl, SD_EVENT_ON);
    if (ctl->has_ended)
        set_timer(ctl, DRAIN_MS);
}

// It may be called from within a call of the handler's, so it is the timer that finds the end.
void ctl_leave(struct ctl *ctl)
{
    ctl->handler = NULL;
    close_outlet(&ctl->outlets[CTL_OUTPUT]);
    close_outlet(&ctl->outlets[CTL_ERROR]);
    stop(ctl, CTL_STOPPED);
    if (ctl->has_ended)
        set_timer(ctl, 0);
}
