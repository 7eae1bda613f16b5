// SPDX-License-Identifier: MIT
#include "build/script.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/done.h"
#include "base/fd.h"
#include "build/shield.h"
#include "build/stream.h"
#include "guard/guard.h"
#include "guard/processes.h"

#define HIDDEN_MAX_BYTES (UINT64_C(64) << 20)
#define READ_BYTES       65536u
#define PIPE_BYTES       (1 << 20) // what may wait for us
#define VARIABLE_MAX     (PATH_MAX + 16)
#define EXIT_NO_SHELL    127
#define EXIT_SIGNAL      128

enum { OUT, ERR, STREAMS };

static const enum log_level levels[STREAMS] = { [OUT] = LEVEL_INFO, [ERR] = LEVEL_WARNING };

struct run {
    const struct script_spec *spec;
    struct guard             *guard;
    struct processes         *processes;
    struct shield             shield;
    pid_t                     script;
    int                       gate_fd; // it waits at the other end
    int                       signal_fd;
    int                       fds[STREAMS]; // ends of pipes we read; -1: closed
    sigset_t                  mask;         // as it was
    int                       status;       // of the script, from waitpid
    bool                      is_over, is_stopped, has_children;
    unsigned                  n_killed; // that the script left
    struct outlet             outlet;
    struct stream             streams[STREAMS];
    char                      bytes[READ_BYTES];
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- in the child -----------------------------------------------------------------------------

static NORETURN void give_up(const char *doing)
{
    (void)dprintf(STDERR_FILENO, "%s: %s\n", doing, strerror(errno)); // it is on its way out
    _exit(EXIT_NO_SHELL);
}

static void reset_signals(const sigset_t *mask)
{
    // As the kernel has it, all zeros: the library does not let its own two be changed, and whoever
    // ignores those for us ignores them for the script.
    static const unsigned long by_default[4];

    for (int number = 1; number < NSIG; number++)
        (void)syscall(SYS_rt_sigaction, number, by_default, NULL,
                      (size_t)(NSIG - 1) / 8); // KILL, STOP
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
}

static int set_streams(const int ends[STREAMS])
{
    AUTO_FD null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(ends[OUT], STDOUT_FILENO) < 0 ||
        dup2(ends[ERR], STDERR_FILENO) < 0)
        return -1;
    return close_range(STDERR_FILENO + 1, UINT_MAX, 0);
}

// A variable of the environment.
static char *variable(char ret[VARIABLE_MAX], const char *name, const char *value)
{
    (void)snprintf(ret, VARIABLE_MAX, "%s=%s", name, value); // paths are shorter
    return ret;
}

static NORETURN void become_script(const struct script_spec *spec)
{
    static char overlay[VARIABLE_MAX], cache[VARIABLE_MAX], home[VARIABLE_MAX], tmp[VARIABLE_MAX];
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
    char *const envp[] = { variable(overlay, "OVERLAY", spec->overlay_dir),
                           variable(cache, "CACHE", spec->cache_dir),
                           variable(home, "HOME", spec->tmp_dir),
                           variable(tmp, "TMPDIR", spec->tmp_dir),
                           path,
                           lang,
                           NULL };
    // It takes the strings as non-const for history's sake, and changes none.
    char *const argv[] = { (char *)(uintptr_t)spec->shell, (char *)(uintptr_t)spec->script, NULL };

    execve(spec->shell, argv, envp);
    give_up(spec->shell);
}

// What it needs to know arrives when it is watched.
static void pass_gate(struct shield *ret, int gate_fd)
{
    if (fd_read_up_to(gate_fd, ret, sizeof *ret) != (ssize_t)sizeof *ret)
        _exit(EXIT_NO_SHELL); // there will be no script
}

static NORETURN void be_child(const struct run *run, const int ends[STREAMS], int gate_fd)
{
    const struct rlimit none = { 0 };
    struct shield       shield;

    // Like its parent it cannot be looked into until it is another program.
    if (prctl(PR_SET_DUMPABLE, 1) < 0)
        _exit(EXIT_NO_SHELL);
    pass_gate(&shield, gate_fd);
    if (set_streams(ends) < 0)
        _exit(EXIT_NO_SHELL);
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        give_up("starting the script");
    reset_signals(&run->mask);
    (void)umask(0022);
    if (chdir(run->spec->overlay_dir) < 0)
        give_up(run->spec->overlay_dir);
    // Real time is for the guard.
    if (setrlimit(RLIMIT_RTPRIO, &none) < 0 || shield_raise(&shield) < 0)
        give_up("restricting the script");
    become_script(run->spec);
}

// ---- starting ---------------------------------------------------------------------------------

static int take_signals(struct run *run, struct error *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, &run->mask) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return error_sys(err, errno, "blocking signals");
    run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signal_fd < 0 ? error_sys(err, errno, "waiting for signals") : 0;
}

// The script runs as the same user: without this it could write into our memory.
static int protect(struct error *err)
{
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_sys(err, errno, "protecting this process");
    return 0;
}

static int watch(struct run *run, struct error *err)
{
    const struct guard_spec spec = {
        .roots = { run->spec->overlay_dir, run->spec->cache_dir },
        .bytes_max = run->spec->output_max_bytes,
        .hidden_max_bytes = HIDDEN_MAX_BYTES,
        .free_min_bytes = run->spec->free_min_bytes,
    };

    if (guard_start(&run->guard, &spec, err) < 0)
        return error_prefix(err, "before the script began");
    return 0;
}

// A child that waits at the gate: it is there before the guard, which has threads.
static int start(struct run *run, struct error *err)
{
    int pipes[STREAMS][2], gate[2];
    int ends[STREAMS];

    if (pipe2(gate, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    run->gate_fd = gate[1];
    for (int i = 0; i < STREAMS; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0)
            return error_sys(err, errno, "making a pipe");
        run->fds[i] = pipes[i][0];
        ends[i] = pipes[i][1];
        (void)fcntl(run->fds[i], F_SETPIPE_SZ, PIPE_BYTES); // a smaller one does as well
        (void)fcntl(run->fds[i], F_SETFL, O_NONBLOCK);      // a known flag
    }
    run->script = fork();
    if (run->script == 0) {
        (void)fd_close(gate[1]); // or it would wait for itself when we are gone
        be_child(run, ends, gate[0]);
    }
    int saved = errno;
    for (int i = 0; i < STREAMS; i++)
        (void)fd_close(ends[i]);
    (void)fd_close(gate[0]);
    run->has_children = run->script > 0;
    return run->script < 0 ? error_sys(err, saved, "starting the script") : 0;
}

static int open_gate(struct run *run, struct error *err)
{
    if (shield_init(&run->shield, err) < 0 ||
        fd_write_all(run->gate_fd, &run->shield, sizeof run->shield, err) < 0)
        return -1;
    run->gate_fd = fd_close(run->gate_fd);
    return 0;
}

// ---- running ----------------------------------------------------------------------------------

// Whatever there is of it.
static void kill_all(struct run *run)
{
    struct error err = { 0 };

    if (processes_signal(run->processes, SIGKILL, &err) < 0)
        outlet_say(&run->outlet, LEVEL_ERROR, "%s", err.message);
}

static void reap(struct run *run)
{
    int   status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == run->script) {
            run->is_over = true;
            run->status = status;
            kill_all(run);
        } else if (run->is_over && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
            run->n_killed++;
        }
    }
    if (pid < 0 && errno == ECHILD)
        run->has_children = false;
}

static void take_signal(struct run *run)
{
    struct signalfd_siginfo info;

    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        // In a namespace only what comes from outside of it is not the script's.
        bool is_ours = run->shield.is_init && info.ssi_pid != 0;
        if (info.ssi_signo == SIGCHLD || run->is_over || is_ours)
            continue;
        run->is_stopped = true;
        kill_all(run);
    }
    reap(run);
}

static void take_output(struct run *run, int i)
{
    ssize_t n = read(run->fds[i], run->bytes, sizeof run->bytes);

    if (n > 0)
        stream_feed(&run->streams[i], run->bytes, (size_t)n, now_ms());
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        run->fds[i] = fd_close(run->fds[i]);
}

// Milliseconds until a progress bar is due; -1: none is.
static int until_bar(struct run *run)
{
    int64_t first = -1;

    for (int i = 0; i < STREAMS; i++) {
        int64_t wait_ms = stream_show_bar(&run->streams[i], now_ms());
        if (wait_ms >= 0 && (first < 0 || wait_ms < first))
            first = wait_ms;
    }
    return (int)first;
}

// Until no process is left, and so nobody who could hold the pipes open.
static int follow(struct run *run, struct error *err)
{
    while (run->has_children || run->fds[OUT] >= 0 || run->fds[ERR] >= 0) {
        int           wait_ms = until_bar(run);
        struct pollfd fds[] = { { .fd = run->fds[OUT], .events = POLLIN },
                                { .fd = run->fds[ERR], .events = POLLIN },
                                { .fd = run->signal_fd, .events = POLLIN } };
        outlet_flush(&run->outlet);
        if (poll(fds, ELEMENTS(fds), wait_ms) < 0 && errno != EINTR)
            return error_sys(err, errno, "waiting for the script");
        for (int i = 0; i < STREAMS; i++)
            if (fds[i].revents)
                take_output(run, i);
        if (fds[STREAMS].revents)
            take_signal(run);
    }
    for (int i = 0; i < STREAMS; i++)
        stream_finish(&run->streams[i]);
    return 0;
}

// ---- how it went ------------------------------------------------------------------------------

static int exit_code_of(const struct error *err)
{
    return err->kind == ERROR_NO_SPACE || err->kind == ERROR_INVALID ? SCRIPT_BEYOND
                                                                     : SCRIPT_FAILED;
}

static int say_status(struct run *run)
{
    if (WIFEXITED(run->status)) {
        int code = WEXITSTATUS(run->status);
        if (code != 0)
            outlet_say(&run->outlet, LEVEL_ERROR, "the script ended with exit code %d", code);
        return code;
    }
    int         number = WTERMSIG(run->status);
    const char *name = sigabbrev_np(number);
    outlet_say(&run->outlet, LEVEL_ERROR, "the script was killed by signal %d (SIG%s)", number,
               name ? name : "?");
    return EXIT_SIGNAL + number;
}

static void say_size(struct run *run, const struct measured *size)
{
    outlet_say(&run->outlet, LEVEL_NOTICE,
               "overlay and cache hold %" PRIu64 " files and directories, %.1f MiB", size->entries,
               (double)size->bytes / (1 << 20));
}

static int mark_done(const char *overlay_dir, struct error *err)
{
    AUTO_FD fd = open(overlay_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", overlay_dir);
    return done_mark(fd, err);
}

static int conclude(struct run *run)
{
    struct measured size = { 0 };
    struct error    err = { 0 };

    if (run->n_killed > 0 && !run->is_stopped && !has_guard_ended(run->guard))
        outlet_say(&run->outlet, LEVEL_NOTICE,
                   run->n_killed == 1 ? "%u process that the script left behind was killed"
                                      : "%u processes that the script left behind were killed",
                   run->n_killed);
    if (guard_finish(run->guard, &size, &err) < 0) {
        outlet_say(&run->outlet, LEVEL_ERROR, "%s", err.message);
        return exit_code_of(&err);
    }
    if (run->is_stopped) {
        outlet_say(&run->outlet, LEVEL_ERROR, "the build was stopped");
        return SCRIPT_STOPPED;
    }
    int code = say_status(run);
    if (code != 0)
        return code;
    say_size(run, &size);
    if (mark_done(run->spec->overlay_dir, &err) < 0) {
        outlet_say(&run->outlet, LEVEL_ERROR, "%s", err.message);
        return SCRIPT_FAILED;
    }
    outlet_say(&run->outlet, LEVEL_NOTICE, "done"); // whoever follows the log waits for it
    return 0;
}

// Also when it fails half way, nothing of the script goes on.
static int run_all(struct run *run, struct error *err)
{
    if (protect(err) < 0 || take_signals(run, err) < 0 || processes_new(&run->processes, err) < 0)
        return -1;
    if (start(run, err) < 0 || watch(run, err) < 0 || open_gate(run, err) < 0 ||
        follow(run, err) < 0) {
        kill_all(run);
        return -1;
    }
    return 0;
}

int script_run(const struct script_spec *spec)
{
    struct run  *run = calloc(1, sizeof *run);
    struct error err = { 0 };
    int          code;

    if (!run)
        return SCRIPT_FAILED;
    run->spec = spec;
    run->signal_fd = run->gate_fd = run->fds[OUT] = run->fds[ERR] = -1;
    outlet_init(&run->outlet, spec->output_fd, spec->log_lines_max, spec->log_bytes_max);
    for (int i = 0; i < STREAMS; i++)
        stream_init(&run->streams[i], &run->outlet, levels[i]);
    if (run_all(run, &err) == 0) {
        code = conclude(run);
    } else {
        outlet_say(&run->outlet, LEVEL_ERROR, "%s", err.message);
        code = exit_code_of(&err);
    }
    outlet_flush(&run->outlet);
    guard_free(run->guard);
    processes_free(run->processes);
    for (int i = 0; i < STREAMS; i++)
        (void)fd_close(run->fds[i]);
    (void)fd_close(run->signal_fd);
    (void)fd_close(run->gate_fd);
    free(run);
    return code;
}
