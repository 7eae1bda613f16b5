// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "private-dirs.h"
#include "waiting.h"
#include "priv/lock.h"

#define DIR      "/run/left4me-host/lock"
#define GUARD_MS 30000 // nothing takes as long unless it is broken

static void test_a_lock_is_held_once(void **state)
{
    struct error err = { 0 };
    struct stat  st;
    int          second = -1;

    (void)state;
    AUTO_FD first = -1;
    assert_int_equal(lock_take(&first, "alpha", &err), 0);
    assert_int_equal(lock_take(&second, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(err.errnum, EWOULDBLOCK); // worth another try soon
    assert_int_equal(second, -1);
    AUTO_FD other = -1;
    assert_int_equal(lock_take(&other, "beta", &err), 0);
    assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
    assert_return_code(fstat(first, &st), errno);
    assert_int_equal(st.st_mode, S_IFREG | 0600);

    AUTO_FD handed_on = dup(first);
    first = fd_close(first);
    assert_int_equal(lock_take(&second, "alpha", &err), -1);
    handed_on = fd_close(handed_on); // and that was the last one
    assert_int_equal(lock_take(&first, "alpha", &err), 0);
}

static void test_a_turn_is_no_lock(void **state)
{
    struct error err = { 0 };

    (void)state;
    AUTO_FD turn = -1;
    AUTO_FD lock = -1;
    assert_int_equal(lock_turn(&turn, "alpha", &err), 0);
    assert_int_equal(lock_take(&lock, "alpha", &err), 0);
    assert_int_equal(fcntl(turn, F_GETFD), FD_CLOEXEC);
}

// ---- whose turn it is ---------------------------------------------------------------------------

// A process that takes the turn of "alpha", says so with a byte, and keeps it until it is killed.
// Before that, it says so whenever a signal comes in between.
struct player {
    pid_t pid;
    int   fd;
};

static int said_fd; // of the player

static void say_interrupted(int number)
{
    (void)number;
    (void)!write(said_fd, "i", 1); // its reader would miss it
}

static _Noreturn void play(void)
{
    struct sigaction action = { .sa_handler = say_interrupted }; // without SA_RESTART
    struct error     err;
    int              fd;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
        _exit(EXIT_FAILURE);
    (void)!write(said_fd, lock_turn(&fd, "alpha", &err) < 0 ? "f" : "t", 1);
    for (;;)
        (void)pause();
}

static struct player start_player(void)
{
    int fds[2];

    assert_return_code(pipe2(fds, O_CLOEXEC), errno);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        said_fd = fds[1];
        close(fds[0]);
        play();
    }
    close(fds[1]);
    return (struct player){ pid, fds[0] };
}

// What the player says next; '-': nothing so far.
static char hear(const struct player *player, int timeout_ms)
{
    struct pollfd said = { .fd = player->fd, .events = POLLIN };
    char          word = '-';

    if (poll(&said, 1, timeout_ms) == 1)
        assert_int_equal(read(player->fd, &word, 1), 1);
    return word;
}

// There is no event for a process that begins to wait.
static void await_waiting(const struct player *player)
{
    time_t end = time(NULL) + GUARD_MS / 1000;

    while (!is_waiting_for_lock(player->pid)) {
        assert_int_equal(hear(player, 0), '-');
        assert_true(time(NULL) < end);
        (void)sched_yield();
    }
}

static void end_player(struct player *player)
{
    int status = 0;

    assert_return_code(kill(player->pid, SIGKILL), errno);
    assert_int_equal(waitpid(player->pid, &status, 0), player->pid);
    close(player->fd);
}

static void test_a_turn_is_waited_for(void **state)
{
    (void)state;
    struct player first = start_player();
    assert_int_equal(hear(&first, GUARD_MS), 't');
    struct player second = start_player();
    await_waiting(&second);

    // A signal is no reason to stop waiting.
    assert_return_code(kill(second.pid, SIGUSR1), errno);
    assert_int_equal(hear(&second, GUARD_MS), 'i');
    await_waiting(&second);

    struct error err = { 0 };
    AUTO_FD      other = -1; // nobody waits for the turn of another server
    assert_int_equal(lock_turn(&other, "beta", &err), 0);

    end_player(&first); // killed: it could not let go by itself
    assert_int_equal(hear(&second, GUARD_MS), 't');
    end_player(&second);
}

static void assert_none(enum error_kind want)
{
    static int (*const ways[])(int *ret, const char *name, struct error *err) = { lock_take,
                                                                                  lock_turn };

    for (size_t i = 0; i < ELEMENTS(ways); i++) {
        struct error err = { 0 };
        int          fd = -1;
        assert_int_equal(ways[i](&fd, "alpha", &err), -1);
        assert_int_equal(err.kind, want);
        assert_int_equal(fd, -1);
    }
}

static void test_without_its_directory_there_is_no_lock(void **state)
{
    (void)state;
    assert_return_code(rename(DIR, DIR "-away"), errno);
    assert_none(ERROR_NOT_FOUND);
    assert_return_code(symlink(DIR "-away", DIR), errno);
    assert_none(ERROR_SYSTEM); // a link is none
    assert_return_code(unlink(DIR), errno);
    assert_return_code(rename(DIR "-away", DIR), errno);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_is_held_once),
        cmocka_unit_test(test_a_turn_is_no_lock),
        cmocka_unit_test(test_a_turn_is_waited_for),
        cmocka_unit_test(test_without_its_directory_there_is_no_lock),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-lock needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
