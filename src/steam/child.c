// SPDX-License-Identifier: MIT
#include "steam/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/spawnchild.h"

#define DRAIN_MS     1000 // for output that is still on its way when the program is gone
#define READ_BYTES   4096u
#define TTY_PATH_MAX 64u

struct child {
    pid_t        pid;
    int          output_fd, signals_fd;
    int64_t      deadline_ms; // 0: none. What happens then depends on how far we are
    bool         is_running, is_stopping, is_output_open;
    int          status; // of waitpid, when it is not running
    struct lines lines;
    lines_take  *take;
    void        *user;
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void signal_set(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
    (void)sigaddset(ret, SIGCHLD);
}

int child_signals_open(int *ret, struct error *err)
{
    sigset_t set;

    signal_set(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_sys(err, errno, "blocking signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_sys(err, errno, "waiting for signals");
    *ret = fd;
    return 0;
}

// ---- starting ---------------------------------------------------------------------------------

// A terminal without any processing; -1 if there is none to be had here.
static int terminal_open(int *ret_ours, int *ret_theirs)
{
    char           path[TTY_PATH_MAX];
    struct termios settings;
    AUTO_FD        ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    AUTO_FD        theirs = -1;

    if (ours < 0 || grantpt(ours) < 0 || unlockpt(ours) < 0 ||
        ptsname_r(ours, path, sizeof path) != 0)
        return -1;
    theirs = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (theirs < 0 || tcgetattr(theirs, &settings) < 0)
        return -1;
    cfmakeraw(&settings);
    if (tcsetattr(theirs, TCSANOW, &settings) < 0)
        return -1;
    *ret_ours = ours;
    *ret_theirs = theirs;
    ours = theirs = -1;
    return 0;
}

static int output_open(int *ret_ours, int *ret_theirs, struct error *err)
{
    int ends[2];

    if (terminal_open(ret_ours, ret_theirs) == 0)
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    *ret_ours = ends[0];
    *ret_theirs = ends[1];
    return 0;
}

static int spawn(pid_t *ret, const struct child_spec *spec, int output_fd)
{
    posix_spawn_file_actions_t actions;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    int r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output_fd, 2);
    if (r == 0)
        r = posix_spawn_file_actions_addchdir_np(&actions, spec->dir);
    if (r == 0)
        r = spawn_child(ret, spec->program, &actions, true, spec->argv, spec->envp);
    (void)posix_spawn_file_actions_destroy(&actions);
    return r;
}

// ---- running ----------------------------------------------------------------------------------

static void kill_group(const struct child *child, int signal)
{
    (void)kill(-child->pid, signal); // it may be gone already
}

static void reap(struct child *child)
{
    int   status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != child->pid)
            continue; // an orphan
        child->is_running = false;
        child->status = status;
        child->deadline_ms = now_ms() + DRAIN_MS;
    }
}

static void take_signals(struct child *child)
{
    struct signalfd_siginfo info;

    while (read(child->signals_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD || child->is_stopping)
            continue;
        child->is_stopping = true;
        if (child->is_running)
            child->deadline_ms = now_ms() + CHILD_STOP_MS;
        kill_group(child, SIGTERM);
    }
    reap(child);
}

static void take_output(struct child *child)
{
    char    bytes[READ_BYTES];
    ssize_t n = read(child->output_fd, bytes, sizeof bytes);

    if (n > 0)
        lines_feed(&child->lines, bytes, (size_t)n, child->take, child->user);
    else if (n == 0 || (errno != EINTR && errno != EAGAIN)) // EIO: a terminal nobody holds any more
        child->is_output_open = false;
}

// The deadline has passed: kill what did not stop, or give up on output that somebody left behind
// in the group still holds open.
static void take_deadline(struct child *child)
{
    kill_group(child, SIGKILL);
    if (!child->is_running)
        child->is_output_open = false;
    child->deadline_ms = 0;
}

static int wait_for_event(struct child *child, struct error *err)
{
    struct pollfd fds[] = {
        { .fd = child->signals_fd, .events = POLLIN },
        { .fd = child->is_output_open ? child->output_fd : -1, .events = POLLIN },
    };
    int64_t timeout_ms = -1;

    if (child->deadline_ms)
        timeout_ms = MAX(child->deadline_ms - now_ms(), 0);
    if (poll(fds, ELEMENTS(fds), (int)timeout_ms) < 0 && errno != EINTR)
        return error_sys(err, errno, "waiting for a program");
    if (fds[0].revents)
        take_signals(child);
    if (fds[1].revents)
        take_output(child);
    if (child->deadline_ms && now_ms() >= child->deadline_ms)
        take_deadline(child);
    return 0;
}

int child_run(struct child_result *ret, const struct child_spec *spec, int signals_fd,
              lines_take *take, void *user, struct error *err)
{
    AUTO_FD      ours = -1;
    AUTO_FD      theirs = -1;
    struct child child = { .signals_fd = signals_fd, .take = take, .user = user };

    if (output_open(&ours, &theirs, err) < 0)
        return -1;
    int result = spawn(&child.pid, spec, theirs);
    if (result != 0)
        return error_sys(err, result, "starting '%s'", spec->program);
    theirs = fd_close(theirs);

    child.output_fd = ours;
    child.is_running = child.is_output_open = true;
    while (child.is_running || child.is_output_open) {
        if (wait_for_event(&child, err) < 0) {
            kill_group(&child, SIGKILL);
            return -1;
        }
    }
    kill_group(&child, SIGKILL); // whoever stayed behind in the group
    lines_finish(&child.lines, take, user);
    ret->code = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
    ret->signal = WIFSIGNALED(child.status) ? WTERMSIG(child.status) : 0;
    ret->is_stopped = child.is_stopping;
    return 0;
}
