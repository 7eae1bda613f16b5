// SPDX-License-Identifier: MIT
#include "priv/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"

#define LISTEN_FD 3   // where the init system puts it
#define PAUSE_MS  100 // until the next try, when the machine is short of something

struct acceptor {
    int (*serve)(int fd);
    enum acceptor_stop stop;
    int                signal_fd;
    int                caller_fd; // accepted, and waiting for a process; -1: none
    sigset_t           old_mask;  // the children's
    unsigned           n_children;
    bool               is_stopping;
    bool               is_short; // of something the last caller would have needed
    bool               is_full;  // of children, and has said so
};

static int check_socket(struct error *err)
{
    int       is_listening = 0;
    socklen_t n = sizeof is_listening;

    if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) < 0 || !is_listening)
        return error_set(err, ERROR_INVALID, "this program is started by its socket's unit");
    // Or a caller who has left again before accept(2) would be waited for.
    if (fcntl(LISTEN_FD, F_SETFL, O_NONBLOCK) < 0 || fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) < 0)
        return error_sys(err, errno, "preparing the socket");
    return 0;
}

static int open_signals(struct acceptor *acceptor, struct error *err)
{
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGCHLD);
    (void)sigaddset(&mask, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &mask, &acceptor->old_mask) < 0)
        return error_sys(err, errno, "blocking signals");
    acceptor->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return acceptor->signal_fd < 0 ? error_sys(err, errno, "preparing to wait") : 0;
}

static _Noreturn void be_child(const struct acceptor *acceptor, int fd)
{
    (void)close(LISTEN_FD);
    (void)close(acceptor->signal_fd);
    (void)sigprocmask(SIG_SETMASK, &acceptor->old_mask, NULL);
    exit(acceptor->serve(fd));
}

// Said once, not at every try until it is over.
static int be_short(struct acceptor *acceptor, const char *what)
{
    if (!acceptor->is_short)
        log_line(LEVEL_ERROR, "callers wait: %s: %s", what, strerror(errno));
    acceptor->is_short = true;
    return 0;
}

static int fail_to_accept(struct acceptor *acceptor, struct error *err)
{
    switch (errno) {
    case EAGAIN:
    case ECONNABORTED:
    case EINTR:
        return 0; // the caller has left
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return be_short(acceptor, "accepting a connection");
    }
    return error_sys(err, errno, "accepting a connection");
}

// Who has been accepted cannot be put back: he is kept until there is a process for him.
static int serve_one(struct acceptor *acceptor, struct error *err)
{
    if (acceptor->caller_fd < 0)
        acceptor->caller_fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
    if (acceptor->caller_fd < 0)
        return fail_to_accept(acceptor, err);
    pid_t child = fork();
    if (child == 0)
        be_child(acceptor, acceptor->caller_fd);
    if (child < 0)
        return be_short(acceptor, "fork");
    acceptor->caller_fd = fd_close(acceptor->caller_fd);
    acceptor->n_children++;
    acceptor->is_short = false;
    return 0;
}

static void reap(struct acceptor *acceptor)
{
    int status;

    while (waitpid(-1, &status, WNOHANG) > 0) {
        acceptor->n_children--;
        if (WIFSIGNALED(status) && !acceptor->is_stopping)
            log_line(LEVEL_ERROR, "a request was ended by signal %d (SIG%s)", WTERMSIG(status),
                     sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
    }
}

// The init system has sent the signal to those that were there then: one may have been forked
// since.
static void begin_to_stop(struct acceptor *acceptor)
{
    if (!acceptor->is_stopping && acceptor->stop == ACCEPTOR_ENDS)
        (void)kill(0, SIGTERM); // all are in our group, which is the unit's
    acceptor->is_stopping = true;
}

static void read_signals(struct acceptor *acceptor)
{
    struct signalfd_siginfo info;

    while (read(acceptor->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM)
            begin_to_stop(acceptor);
    reap(acceptor);
}

// Whether another caller may come now.
static bool has_room(struct acceptor *acceptor)
{
    bool is_full = acceptor->n_children >= ACCEPTOR_CHILDREN_MAX;

    if (is_full && !acceptor->is_full)
        log_line(LEVEL_WARNING, "%u requests are at work: callers wait", acceptor->n_children);
    if (is_full ||
        acceptor->n_children < ACCEPTOR_CHILDREN_MAX / 2) // not at each that comes and goes
        acceptor->is_full = is_full;
    return !is_full && !acceptor->is_stopping;
}

static int wait_and_accept(struct acceptor *acceptor, struct error *err)
{
    struct pollfd fds[] = { { .fd = acceptor->signal_fd, .events = POLLIN },
                            { .fd = LISTEN_FD, .events = POLLIN } };

    // Its queue would wake us at once: a child that ends may be all it takes.
    if (acceptor->is_short && poll(fds, 1, PAUSE_MS) < 0 && errno != EINTR)
        return error_sys(err, errno, "waiting");
    if (!has_room(acceptor))
        fds[1].fd = -1;
    if (poll(fds, ELEMENTS(fds), acceptor->caller_fd >= 0 ? 0 : -1) < 0)
        return errno == EINTR ? 0 : error_sys(err, errno, "waiting for a connection");
    if (fds[0].revents)
        read_signals(acceptor);
    bool is_called = fds[1].revents && !acceptor->is_stopping;
    return is_called || acceptor->caller_fd >= 0 ? serve_one(acceptor, err) : 0;
}

int acceptor_run(int (*serve)(int fd), enum acceptor_stop stop, struct error *err)
{
    struct acceptor acceptor = { .serve = serve, .stop = stop, .signal_fd = -1, .caller_fd = -1 };
    int             r = 0;

    if (check_socket(err) < 0 || open_signals(&acceptor, err) < 0)
        return -1;
    while (r == 0 && !(acceptor.is_stopping && acceptor.n_children == 0 && acceptor.caller_fd < 0))
        r = wait_and_accept(&acceptor, err);
    (void)fd_close(acceptor.caller_fd);
    (void)fd_close(acceptor.signal_fd);
    return r;
}

int acceptor_main(int (*serve)(int fd), enum acceptor_stop stop)
{
    struct error err = { 0 };

    if (acceptor_run(serve, stop, &err) == 0)
        return 0;
    log_line(LEVEL_ERROR, "%s", err.message);
    return 1;
}
