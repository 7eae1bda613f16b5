// SPDX-License-Identifier: MIT
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "base/notify.h"
#include "launch/arguments.h"

static void test_arguments(void **state)
{
    static char      program[] = "./srcds_linux";
    char             good[] = "27015\0-game\0left4dead2\0\0+map";
    struct arguments arguments;
    struct error     err = { 0 };

    (void)state;
    assert_int_equal(arguments_parse(&arguments, good, sizeof good, program, &err), 0);
    assert_int_equal(arguments.port, 27015);
    assert_string_equal(arguments.argv[0], program);
    assert_string_equal(arguments.argv[1], "-game");
    assert_string_equal(arguments.argv[3], "");
    assert_string_equal(arguments.argv[4], "+map");
    assert_null(arguments.argv[5]);

    for (size_t n = 0; n < sizeof good; n++) { // every prefix ends in a NUL or is refused
        int r = arguments_parse(&arguments, good, n, program, &err);
        assert_int_equal(r, n > 0 && good[n - 1] == '\0' ? 0 : -1);
    }
    char low[] = "80";
    assert_int_equal(arguments_parse(&arguments, low, sizeof low, program, &err), -1);
    static char many[ARGUMENTS_BYTES_MAX];
    memcpy(many, "27015", 6);
    assert_int_equal(arguments_parse(&arguments, many, sizeof many, program, &err), -1);
}

// A socket to be notified on; sets NOTIFY_SOCKET.
static int open_notify(const struct unit_dir *dir)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/n", dir->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    return fd;
}

static void test_notifications_arrive(void **state)
{
    struct error err = { 0 };
    char         text[64] = "";

    AUTO_FD fd = open_notify(*state);
    assert_int_equal(notify_send("READY=1", &err), 0);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 7);
    assert_string_equal(text, "READY=1");
    setenv("NOTIFY_SOCKET", "not-a-path", 1);
    assert_int_equal(notify_send("READY=1", &err), -1);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_send("READY=1", &err), 0);
}

static const char *program; // left4me-launch, as the build made it

static pid_t start_program(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (freopen("/dev/null", "w", stderr)) // it complains, as there is no game
            execl(program, program, NULL);
        _exit(EXIT_FAILURE);
    }
    return pid;
}

// The signals that a process blocks; of one that has ended, those it blocked.
static uint64_t blocked_signals(pid_t pid)
{
    static const char  word[] = "\nSigBlk:\t";
    char               path[64], text[8192];
    unsigned long long mask = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    const char *found = strstr(text, word);
    assert_non_null(found);
    assert_int_equal(sscanf(found + sizeof word - 1, "%16llx", &mask), 1);
    return mask;
}

// Whoever wants to stop a server before its game is there can tell from this whether it would hear.
static void test_the_first_word_comes_when_a_stop_is_heard(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGCHLD };
    char             text[64] = "";
    int              status = 0;

    if (!program)
        skip();
    AUTO_FD       fd = open_notify(*state);
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    pid_t         pid = start_program();
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(poll(&waiting, 1, 30000), 1);
    assert_true(recv(fd, text, sizeof text - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(text, "STATUS=starting the game");
    uint64_t mask = blocked_signals(pid);
    for (size_t i = 0; i < ELEMENTS(signals); i++)
        assert_true(mask >> (signals[i] - 1) & 1);
    (void)kill(pid, SIGKILL); // there may be a game here after all
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

int main(int argc, char **argv)
{
    program = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test_setup_teardown(test_notifications_arrive, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_first_word_comes_when_a_stop_is_heard,
                                        unit_dir_setup, unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
