// SPDX-License-Identifier: MIT

// left4me-launch: process 1 of a server.
//
// Starts the game in its tree, hands on the signals that ask it to end, collects orphans, says
// "ready" when the game has bound its ports, and ends as the game ended. A process that is number 1
// of its namespace can neither die of a signal nor be seen dying of one: a game killed by signal N
// is reported as exit code 128 + N, and in words in the unit's status text.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/scope.h"
#include "base/sockets.h"
#include "launch/arguments.h"

#define GAME_DIR       "/srv/game"
#define PROGRAM        "./srcds_linux"
#define ARGUMENTS_DIR  "/srv/config"
#define ARGUMENTS_FILE "args"
#define PROBE_EVERY_MS 20
#define BARRIER_MS     5000
#define EXIT_CODE_MAX  127 // above it 128 + N means signal N

struct launch {
    struct arguments arguments;
    pid_t            game;
    int              signal_fd, timer_fd;
    bool             is_ready, is_stopping;
};

// As srcds_run would: the engine's libraries come first from the tree.
static int set_environment(struct error *err)
{
    if (setenv("LD_LIBRARY_PATH", ".:bin", 1) < 0 || setenv("HOME", GAME_DIR, 1) < 0)
        return error_sys(err, errno, "setting the environment");
    if (chdir(GAME_DIR) < 0)
        return error_sys(err, errno, "entering the game's tree");
    return 0;
}

static int read_arguments(struct arguments *ret, struct error *err)
{
    static char program[] = PROGRAM;
    AUTO_FD     dir_fd = open(ARGUMENTS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char       *bytes = NULL; // never freed: the arguments point into it for as long as we live
    size_t      n_bytes = 0;

    if (dir_fd < 0)
        return error_sys(err, errno, "opening " ARGUMENTS_DIR);
    if (fd_read_file(&bytes, &n_bytes, dir_fd, ARGUMENTS_FILE, ARGUMENTS_BYTES_MAX, err) < 0)
        return -1;
    return arguments_parse(ret, bytes, n_bytes, program, err);
}

static sigset_t our_signals(void)
{
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGCHLD);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    return mask;
}

// Comes before all else: process 1 never sees a signal that it neither handles nor blocks, and a
// stop that asks so would wait in vain until its time is up.
static int open_events(struct launch *launch, sigset_t *ret_old, struct error *err)
{
    const struct itimerspec every = {
        .it_value = { .tv_nsec = PROBE_EVERY_MS * 1000000L },
        .it_interval = { .tv_nsec = PROBE_EVERY_MS * 1000000L },
    };
    const sigset_t mask = our_signals();

    if (sigprocmask(SIG_BLOCK, &mask, ret_old) < 0)
        return error_sys(err, errno, "blocking signals");
    launch->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
    launch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (launch->signal_fd < 0 || launch->timer_fd < 0 ||
        timerfd_settime(launch->timer_fd, 0, &every, NULL) < 0)
        return error_sys(err, errno, "preparing to wait");
    return 0;
}

static int start_game(struct launch *launch, const sigset_t *mask, struct error *err)
{
    launch->game = fork();
    if (launch->game < 0)
        return error_sys(err, errno, "starting the game");
    if (launch->game > 0)
        return 0;
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    (void)unsetenv("NOTIFY_SOCKET"); // that one is ours to speak to
    (void)scope_abstract_sockets();  // before Linux 6.12 they stay shared
    execv(PROGRAM, launch->arguments.argv);
    fprintf(stderr, "starting " GAME_DIR "/srcds_linux: %s%s\n", strerror(errno),
            errno == ENOENT ? " (the game, or the 32-bit libraries it needs, are missing)" : "");
    _exit(EXIT_CODE_MAX);
}

static int announce(const char *text, pid_t pid, struct error *err)
{
    AUTO_FD fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0)
        return error_sys(err, errno, "opening a process");
    return notify_send_fd(text, fd, err);
}

// For the moment in which another process counts as the main one: hands on what that is told. Of
// several signals the lowest comes first, and SIGCHLD, which ends it, is the highest of ours.
static _Noreturn void stand_in(void)
{
    const sigset_t mask = our_signals();
    int            number = 0;

    while (sigwait(&mask, &number) != 0 || number != SIGCHLD)
        (void)kill(1, number); // number 1 blocks it, so it waits there
    _exit(0);
}

// With PrivatePIDs=, systemd 257 learns of us through a process of its own that forked us and is
// about to exit. If it looks before that one is gone, it takes us for somebody else's child, for
// good, and then a stop does not wait for us: SIGKILL follows at once. It looks again only when the
// main process changes; so name another one, and then ourselves. The game is not there yet.
static int claim_to_be_main(struct error *err)
{
    if (getpid() != 1)
        return 0;
    pid_t other = fork();
    if (other < 0)
        return error_sys(err, errno, "forking");
    if (other == 0)
        stand_in();
    int r = announce("NOTIFYACCESS=all\nMAINPIDFD=1", other, err);
    if (r == 0)
        r = announce("NOTIFYACCESS=main\nMAINPIDFD=1", getpid(), err);
    if (r == 0)
        r = notify_barrier(BARRIER_MS, err);
    (void)kill(other, SIGCHLD); // it is ours, and ends of this
    while (waitpid(other, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static void say(const char *text)
{
    struct error err = { 0 };

    if (notify_send(text, &err) < 0)
        log_line(LEVEL_WARNING, "%s", err.message);
}

// A table that cannot be read is as good as one without the game; there is another look soon.
static bool has_socket(const struct launch *launch, enum socket_kind kind)
{
    struct error ignored;
    bool         is_there = false;

    return sockets_find(&is_there, SOCKETS_DIR, kind, launch->arguments.port, getuid(), &ignored) ==
               0 &&
           is_there;
}

static void probe_ready(struct launch *launch)
{
    // The engine opens its TCP port when rcon_password is set, which server.cfg does: by then the
    // map is loaded.
    if (!has_socket(launch, SOCKET_UDP_BOUND) || !has_socket(launch, SOCKET_TCP_LISTENING))
        return;
    launch->is_ready = true;
    launch->timer_fd = fd_close(launch->timer_fd);
    say("READY=1\nSTATUS=running");
}

static void hand_on(struct launch *launch, int signal_number)
{
    if (!launch->is_stopping)
        say("STOPPING=1\nSTATUS=stopping");
    launch->is_stopping = true;
    if (kill(launch->game, signal_number) < 0)
        log_line(LEVEL_WARNING, "asking the game to end: %s", strerror(errno));
}

// How the game's end is reported: our own exit code.
static int exit_code_of(const struct launch *launch, int status)
{
    char text[160];

    if (WIFEXITED(status)) {
        int code = MIN(WEXITSTATUS(status), EXIT_CODE_MAX);
        snprintf(text, sizeof text, "STATUS=the game ended with exit code %d", WEXITSTATUS(status));
        say(text);
        return code;
    }
    int n = WTERMSIG(status);
    if (launch->is_stopping && (n == SIGINT || n == SIGTERM))
        return 0;
    snprintf(text, sizeof text, "STATUS=the game was killed by signal %d (SIG%s)%s", n,
             sigabbrev_np(n) ? sigabbrev_np(n) : "?", WCOREDUMP(status) ? ", core dumped" : "");
    say(text);
    log_line(LEVEL_ERROR, "%s", text + strlen("STATUS="));
    return 128 + n;
}

// Collects whoever has ended; true when the game is among them.
static bool reap(const struct launch *launch, int *ret_status)
{
    bool  is_over = false;
    int   status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == launch->game) {
            *ret_status = status;
            is_over = true;
        }
    return is_over;
}

static int run(struct launch *launch, struct error *err)
{
    struct signalfd_siginfo info;
    uint64_t                n_expired;
    int                     status;

    for (;;) {
        struct pollfd fds[] = { { .fd = launch->signal_fd, .events = POLLIN },
                                { .fd = launch->timer_fd, .events = POLLIN } };
        if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
            return error_sys(err, errno, "waiting");
        if (fds[1].revents && read(launch->timer_fd, &n_expired, sizeof n_expired) > 0)
            probe_ready(launch);
        if (!fds[0].revents || read(launch->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (info.ssi_signo == SIGCHLD) {
            if (reap(launch, &status))
                return exit_code_of(launch, status);
        } else {
            hand_on(launch, (int)info.ssi_signo);
        }
    }
}

int main(void)
{
    struct launch launch = { .signal_fd = -1, .timer_fd = -1 };
    struct error  err = { 0 };
    sigset_t      mask;
    int           code = -1;

    (void)unsetenv(
        "JOURNAL_STREAM"); // a level before a line is not read: the game has the same output
    // Where the unit has no process namespace of its own, orphans come to us all the same.
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (open_events(&launch, &mask, &err) == 0) {
        if (claim_to_be_main(&err) < 0)
            log_line(LEVEL_WARNING, "%s", err.message); // the game can be played all the same
        // A server without a status does not hear a stop yet. Only the main process is listened to.
        say("STATUS=starting the game");
    }
    if (launch.timer_fd >= 0 && read_arguments(&launch.arguments, &err) == 0 &&
        set_environment(&err) == 0 && start_game(&launch, &mask, &err) == 0)
        code = run(&launch, &err);
    if (code < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return 1;
    }
    return code;
}
