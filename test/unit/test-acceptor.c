// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include "priv/acceptor.h"

#define GUARD_MS     30000 // nothing takes as long unless it is broken
#define LISTEN_FD    3
#define N_OWN_FDS    5u // of the acceptor: 0, 1, 2, the socket, and that of its signals
#define NOBODY       65534u
#define NO_FAILURE   99 // an exit status that is no kind of error
#define SHORT_OF_FDS "callers wait: accepting a connection: Too many open files\n"
#define NO_FORK      "callers wait: fork: Resource temporarily unavailable\n"

// What a child says first of all. Then it waits for a number: of the signal to die by; it ends well
// when its caller leaves.
struct report {
    pid_t    pid, parent;
    unsigned n_fds;
    bool     is_deaf; // to SIGTERM or SIGCHLD
};

// An acceptor in a process of its own, and what it listens on and writes.
struct scene {
    int                listener; // the same one
    struct sockaddr_un address;
    socklen_t          n_address;
    uid_t              uid;
    pid_t              pid;    // 0: it has ended
    int                log_fd; // ends when the acceptor and all its children have
    size_t             n_log;
    char               log[4096];
};

static int serve(int fd)
{
    struct report report = { .pid = getpid(), .parent = getppid() };
    sigset_t      mask;
    int           number = 0;

    for (int i = 0; i < 64; i++)
        report.n_fds += fcntl(i, F_GETFD) >= 0;
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    report.is_deaf = sigismember(&mask, SIGTERM) || sigismember(&mask, SIGCHLD);
    (void)send(fd, &report, sizeof report, MSG_NOSIGNAL);
    if (recv(fd, &number, sizeof number, 0) == (ssize_t)sizeof number) {
        (void)prctl(PR_SET_DUMPABLE, 0); // a core would be left behind
        (void)signal(number, SIG_DFL);   // the sanitizer would have much to say
        (void)raise(number);
    }
    return 0;
}

// ---- the acceptor -------------------------------------------------------------------------------

// Bound to a name that the kernel chose.
static int open_listener(struct sockaddr_un *ret_address, socklen_t *ret_n)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    *ret_n = sizeof *ret_address;
    assert_return_code(fd, errno);
    assert_return_code(bind(fd, (struct sockaddr *)ret_address, sizeof(sa_family_t)), errno);
    assert_return_code(getsockname(fd, (struct sockaddr *)ret_address, ret_n), errno);
    return fd;
}

static _Noreturn void be_acceptor(int listener, int log_fd, uid_t uid, enum acceptor_stop stop)
{
    if (setpgid(0, 0) < 0 || dup2(log_fd, STDERR_FILENO) < 0 || dup2(listener, LISTEN_FD) < 0 ||
        close_range(LISTEN_FD + 1, ~0u, 0) < 0 || setresuid(uid, uid, uid) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(NO_FAILURE);
    _exit(acceptor_main(serve, stop));
}

static void start(struct scene *scene, uid_t uid, bool is_listening, enum acceptor_stop stop)
{
    int log[2];

    scene->uid = uid;
    scene->listener = open_listener(&scene->address, &scene->n_address);
    if (is_listening)
        assert_return_code(listen(scene->listener, 16), errno);
    assert_return_code(pipe2(log, O_CLOEXEC | O_NONBLOCK), errno);
    fflush(NULL); // or the children would write once more what the test has written so far
    scene->pid = fork();
    if (scene->pid == 0)
        be_acceptor(scene->listener, log[1], uid, stop);
    close(log[1]);
    scene->log_fd = log[0];
    assert_return_code(scene->pid, errno);
    (void)setpgid(scene->pid, scene->pid); // whoever of the two comes first
}

static int setup_with(void **state, uid_t uid, bool is_listening, enum acceptor_stop stop)
{
    struct scene *scene = calloc(1, sizeof *scene);

    *state = scene;
    start(scene, uid, is_listening, stop);
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, getuid(), true, ACCEPTOR_FINISHES);
}

static int setup_as_nobody(void **state)
{
    return setup_with(state, getuid() == 0 ? NOBODY : getuid(), true, ACCEPTOR_FINISHES);
}

static int setup_without_listening(void **state)
{
    return setup_with(state, getuid(), false, ACCEPTOR_FINISHES);
}

static int setup_ending(void **state)
{
    return setup_with(state, getuid(), true, ACCEPTOR_ENDS);
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    if (scene->pid > 0)
        (void)kill(-scene->pid, SIGKILL); // whoever has not ended by itself
    while (waitpid(-1, NULL, 0) > 0)
        ;
    (void)fd_close(scene->listener);
    (void)fd_close(scene->log_fd);
    free(scene);
    return 0;
}

// ---- events -------------------------------------------------------------------------------------

// Waits for `fd` to become readable, as long as there is anybody who could make it so.
static void await(const struct scene *scene, int fd)
{
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = scene->log_fd } };

    if (poll(fds, ELEMENTS(fds), GUARD_MS) <= 0 || !fds[0].revents)
        fail_msg("nothing comes any more; the acceptor said: %s", scene->log);
}

// Adds what there is to the log; false: that was all there will ever be.
static bool read_log(struct scene *scene)
{
    ssize_t n;

    do {
        assert_true(scene->n_log < sizeof scene->log - 1);
        n = read(scene->log_fd, scene->log + scene->n_log, sizeof scene->log - 1 - scene->n_log);
        scene->n_log += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return n < 0;
}

static unsigned n_said(struct scene *scene, const char *line)
{
    unsigned n = 0;

    (void)read_log(scene);
    for (const char *at = scene->log; (at = strstr(at, line)); at++)
        n++;
    return n;
}

// Waits until the acceptor has said the line `n` times.
static void await_line(struct scene *scene, const char *line, unsigned n)
{
    while (n_said(scene, line) < n)
        await(scene, scene->log_fd);
}

// The value of a line of /proc/PID/status.
static void read_status(char ret[static 64], pid_t pid, const char *name)
{
    char path[64], text[8192];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    const char *found = strstr(text, name);
    assert_non_null(found);
    assert_int_equal(sscanf(found + strlen(name), " %63s", ret), 1);
}

// Waits until the acceptor has taken its signals and has nothing left to do. There is no event for
// that; but who is woken by a signal or a caller is no longer asleep when kill(2) or connect(2)
// returns.
static void await_sleep(const struct scene *scene)
{
    time_t end = time(NULL) + GUARD_MS / 1000;
    char   pending[64], run[64];

    for (;;) {
        read_status(pending, scene->pid, "\nShdPnd:");
        read_status(run, scene->pid, "\nState:");
        if (strspn(pending, "0") == strlen(pending) && run[0] == 'S')
            return;
        if (time(NULL) > end || run[0] == 'Z')
            fail_msg("the acceptor does not wait: %s", scene->log);
        (void)sched_yield();
    }
}

static void send_signal(const struct scene *scene, int number)
{
    assert_return_code(kill(scene->pid, number), errno);
    await_sleep(scene);
}

// Gives the acceptor a limit, from outside; *ret_before is what it had.
static void limit(const struct scene *scene, __rlimit_resource_t what, rlim_t now,
                  struct rlimit *ret_before)
{
    uid_t         old = getuid();
    struct rlimit limit;

    // A capability that containers lack allows it for every process; a common user does as well.
    assert_return_code(setreuid(scene->uid, (uid_t)-1), errno);
    assert_return_code(prlimit(scene->pid, what, NULL, ret_before), errno);
    limit = (struct rlimit){ now, ret_before->rlim_max };
    assert_return_code(prlimit(scene->pid, what, &limit, NULL), errno);
    assert_return_code(setreuid(old, (uid_t)-1), errno);
}

// Waits for the acceptor to end, with this exit status, after all its children.
static void await_end(struct scene *scene, int want)
{
    struct pollfd log = { .fd = scene->log_fd, .events = POLLIN };
    int           status = 0;

    while (read_log(scene))
        if (poll(&log, 1, GUARD_MS) <= 0)
            fail_msg("the acceptor does not end; it said: %s", scene->log);
    assert_int_equal(waitpid(scene->pid, &status, 0), scene->pid);
    scene->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), want);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // those it leaves would be ours
    assert_int_equal(errno, ECHILD);
}

// ---- a caller -----------------------------------------------------------------------------------

static int call(const struct scene *scene)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_return_code(fd, errno);
    assert_return_code(connect(fd, (const struct sockaddr *)&scene->address, scene->n_address),
                       errno);
    return fd;
}

static struct report be_served(const struct scene *scene, int fd)
{
    struct report report = { 0 };

    await(scene, fd);
    assert_int_equal(recv(fd, &report, sizeof report, 0), sizeof report);
    return report;
}

// Whether somebody waits in the queue of the socket.
static bool is_anybody_queued(const struct scene *scene)
{
    struct pollfd queue = { .fd = scene->listener, .events = POLLIN };

    return poll(&queue, 1, 0) == 1;
}

static void assert_gone(const struct scene *scene, int fd)
{
    char byte;

    await(scene, fd);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

// Lets the one who serves `fd` die by a signal.
static void die_by(const struct scene *scene, int fd, int number)
{
    assert_int_equal(send(fd, &number, sizeof number, 0), sizeof number);
    assert_gone(scene, fd);
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fds[i] = fd_close(fds[i]);
}

// ---- the tests ----------------------------------------------------------------------------------

static int give_nothing(void)
{
    close(LISTEN_FD);
    return -1;
}

static int give_file(void)
{
    return open("/dev/null", O_RDONLY);
}

static int give_connection(void)
{
    int fds[2];

    return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0 ? -1 : fds[0];
}

static int give_deaf_socket(void)
{
    struct sockaddr_un address;
    socklen_t          n;

    return open_listener(&address, &n);
}

static void test_without_a_listening_socket_it_does_not_begin(void **state)
{
    static int (*const give[])(void) = { give_nothing, give_file, give_connection,
                                         give_deaf_socket };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(give); i++) {
        int   status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            struct error err = { 0 };
            int          fd = give[i]();
            (void)alarm(GUARD_MS / 1000);
            if (fd >= 0 && dup2(fd, LISTEN_FD) < 0)
                _exit(NO_FAILURE);
            _exit(acceptor_run(serve, ACCEPTOR_FINISHES, &err) < 0 ? (int)err.kind : NO_FAILURE);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), ERROR_INVALID);
    }
}

static void test_a_program_says_why_it_did_not_begin(void **state)
{
    struct scene *scene = *state;

    await_end(scene, 1);
    assert_string_equal(scene->log, "this program is started by its socket's unit\n");
}

static void test_every_caller_has_a_process_of_its_own(void **state)
{
    struct scene *scene = *state;
    int           callers[4];
    struct report reports[ELEMENTS(callers)];

    for (size_t i = 0; i < ELEMENTS(callers); i++) {
        callers[i] = call(scene);
        reports[i] = be_served(scene, callers[i]);
        assert_int_equal(reports[i].parent, scene->pid);
        assert_int_equal(reports[i].n_fds, 4); // 0, 1, 2 and the connection: nobody else's
        assert_false(reports[i].is_deaf);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(reports[i].pid, reports[k].pid);
    }
    assert_true(fcntl(scene->listener, F_GETFL) & O_NONBLOCK); // or it could wait in accept(2)
    close_all(callers, ELEMENTS(callers));
    assert_return_code(kill(scene->pid, SIGTERM), errno);
    await_end(scene, 0);
    assert_string_equal(scene->log, "");
}

static void test_a_crash_ends_one_request(void **state)
{
    static const struct {
        int         signal;
        const char *want;
    } cases[] = {
        { SIGABRT, "a request was ended by signal 6 (SIGABRT)\n" },
        { SIGSEGV, "a request was ended by signal 11 (SIGSEGV)\n" },
        { SIGKILL, "a request was ended by signal 9 (SIGKILL)\n" },
    };
    struct scene *scene = *state;

    AUTO_FD other = call(scene);
    (void)be_served(scene, other);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO_FD fd = call(scene);
        assert_int_equal(be_served(scene, fd).parent, scene->pid);
        die_by(scene, fd, cases[i].signal);
        await_line(scene, cases[i].want, 1);
    }
    close(call(scene)); // who does not even wait for an answer
    AUTO_FD next = call(scene);
    assert_int_equal(be_served(scene, next).parent, scene->pid);
    die_by(scene, other, SIGUSR1); // it was there all the time
    await_line(scene, "a request was ended by signal 10 (SIGUSR1)\n", 1);
}

static void test_told_to_stop_it_lets_the_work_end(void **state)
{
    struct scene *scene = *state;
    char          byte;

    AUTO_FD first = call(scene);
    AUTO_FD second = call(scene);
    (void)be_served(scene, first);
    (void)be_served(scene, second);
    send_signal(scene, SIGTERM);
    AUTO_FD late = call(scene);
    await_sleep(scene);
    assert_true(is_anybody_queued(scene));
    die_by(scene, first, SIGKILL); // that is what the init system does in the end
    second = fd_close(second);
    await_end(scene, 0);
    assert_string_equal(scene->log, "");

    // Whoever is started next finds the one who came late.
    AUTO_FD found = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_return_code(found, errno);
    assert_int_equal(send(found, "", 1, 0), 1);
    assert_int_equal(recv(late, &byte, 1, MSG_DONTWAIT), 1);
}

// Both are there when it looks: the signal, and one who calls.
static void test_told_to_stop_it_serves_nobody_more(void **state)
{
    struct scene *scene = *state;

    AUTO_FD first = call(scene);
    (void)be_served(scene, first); // it is at its work, and not on its way to it
    assert_return_code(kill(scene->pid, SIGSTOP), errno);
    assert_int_equal(waitpid(scene->pid, NULL, WUNTRACED), scene->pid);
    AUTO_FD late = call(scene);
    assert_return_code(kill(scene->pid, SIGTERM), errno);
    assert_return_code(kill(scene->pid, SIGCONT), errno);
    first = fd_close(first);
    await_end(scene, 0);
    assert_true(is_anybody_queued(scene));
    assert_int_equal(recv(late, &(char){ 0 }, 1, MSG_DONTWAIT), -1); // and nobody has spoken to him
}

// Such requests would never end; and one of them may have been begun behind the init system's back.
static void test_told_to_stop_it_ends_the_work(void **state)
{
    struct scene *scene = *state;

    AUTO_FD first = call(scene);
    AUTO_FD second = call(scene);
    (void)be_served(scene, first);
    (void)be_served(scene, second);
    assert_return_code(kill(scene->pid, SIGTERM), errno);
    await_end(scene, 0);
    assert_string_equal(scene->log, "");
}

static void test_short_of_descriptors_it_loses_nobody(void **state)
{
    struct scene *scene = *state;
    struct rlimit before;

    AUTO_FD early = call(scene);
    (void)be_served(scene, early);
    for (unsigned round = 1; round <= 2; round++) {
        limit(scene, RLIMIT_NOFILE, N_OWN_FDS, &before);
        AUTO_FD first = call(scene);
        AUTO_FD second = call(scene);
        await_line(scene, SHORT_OF_FDS, round);
        for (int i = 0; i < 3; i++)
            send_signal(scene, SIGCHLD); // it tries again at once, and waits again
        limit(scene, RLIMIT_NOFILE, before.rlim_cur, &before);
        assert_int_equal(be_served(scene, first).parent, scene->pid);
        assert_int_equal(be_served(scene, second).parent, scene->pid);
        assert_int_equal(n_said(scene, SHORT_OF_FDS), round); // once
    }
}

static void test_short_of_processes_it_loses_nobody(void **state)
{
    struct scene *scene = *state;
    struct rlimit before;

    if (scene->uid == 0 || getuid() != 0)
        skip(); // root has no such limit, and other users have processes of their own
    AUTO_FD early = call(scene);
    (void)be_served(scene, early);
    limit(scene, RLIMIT_NPROC, 1, &before);
    AUTO_FD first = call(scene);
    AUTO_FD second = call(scene);
    await_line(scene, NO_FORK, 1);
    limit(scene, RLIMIT_NPROC, before.rlim_cur, &before);
    assert_int_equal(be_served(scene, first).parent, scene->pid);
    assert_int_equal(be_served(scene, second).parent, scene->pid);
    assert_int_equal(n_said(scene, NO_FORK), 1);
    early = fd_close(early);
    first = fd_close(first);
    second = fd_close(second);
    assert_return_code(kill(scene->pid, SIGTERM), errno);
    await_end(scene, 0); // it counts those that there were
}

static void test_full_it_lets_the_next_one_wait(void **state)
{
    struct scene *scene = *state;
    static int    callers[ACCEPTOR_CHILDREN_MAX];
    const int     number = SIGKILL;
    char          line[64];

    snprintf(line, sizeof line, "%u requests are at work: callers wait\n", ACCEPTOR_CHILDREN_MAX);
    for (size_t i = 0; i < ELEMENTS(callers); i++) {
        assert_int_equal(n_said(scene, line), 0);
        callers[i] = call(scene);
        (void)be_served(scene, callers[i]);
    }
    await_line(scene, line, 1);
    AUTO_FD next = call(scene);
    for (int i = 0; i < 3; i++)
        send_signal(scene, SIGCHLD); // it looks whether one has ended
    assert_true(is_anybody_queued(scene));
    assert_int_equal(n_said(scene, line), 1);
    callers[7] = fd_close(callers[7]);
    assert_int_equal(be_served(scene, next).parent, scene->pid);
    AUTO_FD last = call(scene);
    for (int i = 0; i < 3; i++)
        send_signal(scene, SIGCHLD);
    assert_true(is_anybody_queued(scene));    // full again
    assert_int_equal(n_said(scene, line), 1); // and not said again: it would be a line for each

    send_signal(scene, SIGTERM);
    for (size_t i = 0; i < ELEMENTS(callers); i++)
        if (callers[i] >= 0) // killed, or each would look for leaks
            assert_int_equal(send(callers[i], &number, sizeof number, 0), sizeof number);
    close_all(callers, ELEMENTS(callers));
    next = fd_close(next);
    last = fd_close(last);
    await_end(scene, 0);
}

#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_listening_socket_it_does_not_begin),
        WITH(test_a_program_says_why_it_did_not_begin, setup_without_listening),
        WITH(test_every_caller_has_a_process_of_its_own, setup),
        WITH(test_a_crash_ends_one_request, setup),
        WITH(test_told_to_stop_it_lets_the_work_end, setup),
        WITH(test_told_to_stop_it_serves_nobody_more, setup),
        WITH(test_told_to_stop_it_ends_the_work, setup_ending),
        WITH(test_short_of_descriptors_it_loses_nobody, setup),
        WITH(test_short_of_processes_it_loses_nobody, setup_as_nobody),
        WITH(test_full_it_lets_the_next_one_wait, setup),
    };

    (void)unsetenv("JOURNAL_STREAM"); // or lines would begin with their level
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 77; // skipped
    return cmocka_run_group_tests(tests, NULL, NULL);
}
