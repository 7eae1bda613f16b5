// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "private-dirs.h"
#include "priv/lock.h"
#include "priv/tidy.h"

#define GUARD_MS 30000 // nothing takes as long unless it is broken

static const struct tidy_request good = { .magic = PROTOCOL_MAGIC,
                                          .action = TIDY_INSTANCE_WIPE,
                                          .name = { "alpha" } };

// ---- requests -----------------------------------------------------------------------------------

#define REQUEST(...)                                                                               \
    {                                                                                              \
        .magic = PROTOCOL_MAGIC, __VA_ARGS__                                                       \
    }

static void test_requests(void **state)
{
    static const struct {
        const char         *name;
        struct tidy_request request;
        bool                is_good;
    } cases[] = {
        { "create", REQUEST(.action = TIDY_INSTANCE_CREATE, .name = { "a" }), true },
        { "wipe", REQUEST(.action = TIDY_INSTANCE_WIPE, .name = { "a" }), true },
        { "remove", REQUEST(.action = TIDY_INSTANCE_REMOVE, .name = { "a" }), true },
        { "create a build", REQUEST(.action = TIDY_BUILD_CREATE, .number = 1), true },
        { "remove a build", REQUEST(.action = TIDY_BUILD_REMOVE, .number = NUMBER_MAX), true },
        { "create an overlay", REQUEST(.action = TIDY_OVERLAY_CREATE, .number = 2), true },
        { "wipe an overlay", REQUEST(.action = TIDY_OVERLAY_WIPE, .number = NUMBER_MAX), true },
        { "remove an overlay", REQUEST(.action = TIDY_OVERLAY_REMOVE, .number = 2), true },
        { "nothing", { 0 }, false },
        { "other magic", { PROTOCOL_MAGIC + 1, TIDY_INSTANCE_WIPE, { "a" }, 0 }, false },
        { "no action", REQUEST(.action = 0, .name = { "a" }), false },
        { "an action too many", REQUEST(.action = TIDY_ACTION_COUNT, .number = 1), false },
        { "the last number", REQUEST(.action = UINT32_MAX, .number = 1), false },
        { "no name", REQUEST(.action = TIDY_INSTANCE_CREATE), false },
        { "a way out", REQUEST(.action = TIDY_INSTANCE_REMOVE, .name = { "../a" }), false },
        { "the parent", REQUEST(.action = TIDY_INSTANCE_REMOVE, .name = { ".." }), false },
        { "a path", REQUEST(.action = TIDY_INSTANCE_WIPE, .name = { "a/b" }), false },
        { "more behind the name", REQUEST(.action = TIDY_INSTANCE_WIPE, .name = { "a\0b" }),
          false },
        { "an instance and a build",
          REQUEST(.action = TIDY_INSTANCE_REMOVE, .name = { "a" }, .number = 1), false },
        { "no build", REQUEST(.action = TIDY_BUILD_CREATE), false },
        { "a build too high", REQUEST(.action = TIDY_BUILD_CREATE, .number = NUMBER_MAX + 1),
          false },
        { "the last build", REQUEST(.action = TIDY_BUILD_REMOVE, .number = UINT32_MAX), false },
        { "a build and an instance",
          REQUEST(.action = TIDY_BUILD_REMOVE, .name = { "a" }, .number = 1), false },
        { "no overlay to create", REQUEST(.action = TIDY_OVERLAY_CREATE), false },
        { "no overlay to wipe", REQUEST(.action = TIDY_OVERLAY_WIPE), false },
        { "no overlay to remove", REQUEST(.action = TIDY_OVERLAY_REMOVE), false },
        { "the game as one that is made", REQUEST(.action = TIDY_OVERLAY_CREATE, .number = 1),
          false },
        { "the game as one that is removed", REQUEST(.action = TIDY_OVERLAY_REMOVE, .number = 1),
          false },
        { "an overlay too high", REQUEST(.action = TIDY_OVERLAY_REMOVE, .number = NUMBER_MAX + 1),
          false },
        { "an overlay and an instance",
          REQUEST(.action = TIDY_OVERLAY_REMOVE, .name = { "a" }, .number = 2), false },
        { "a server that is to be removed as an overlay",
          REQUEST(.action = TIDY_OVERLAY_REMOVE, .name = { "a" }), false },
        { "a build and an instance that has none",
          REQUEST(.action = TIDY_BUILD_CREATE, .name = { "\0b" }, .number = 1), false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        int          r = tidy_request_check(&cases[i].request, sizeof cases[i].request, &err);
        if (r != (cases[i].is_good ? 0 : -1) || (r < 0 && err.kind != ERROR_INVALID))
            fail_msg("%s: %d, %s", cases[i].name, r, err.message);
    }
}

static void test_the_last_byte_of_a_name_counts(void **state)
{
    struct tidy_request instance = good;
    struct tidy_request build = REQUEST(.action = TIDY_BUILD_CREATE, .number = 1);
    struct error        err = { 0 };

    (void)state;
    instance.name.text[sizeof instance.name.text - 1] = 'x';
    build.name.text[sizeof build.name.text - 1] = 'x';
    assert_int_equal(tidy_request_check(&instance, sizeof instance, &err), -1);
    assert_int_equal(tidy_request_check(&build, sizeof build, &err), -1);
}

static void test_every_other_size_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 2 * sizeof good; n++) {
        struct error      err = { 0 };
        AUTO(freep) void *copy = calloc(1, n ? n : 1); // the sanitizer guards its end
        memcpy(copy, &good, MIN(n, sizeof good));
        assert_int_equal(tidy_request_check(copy, n, &err), n == sizeof good ? 0 : -1);
        assert_int_equal(err.kind, n == sizeof good ? ERROR_NONE : ERROR_INVALID);
    }
}

// ---- asking -------------------------------------------------------------------------------------

// What tidy_ask() made of it, in the process that asked.
struct outcome {
    int          r;
    struct error err;
    bool         is_lock_there; // it is only borrowed
};

static int open_socket(void)
{
    static const struct sockaddr_un address = { AF_UNIX, TIDY_SOCKET };
    int                             fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_return_code(fd, errno);
    (void)unlink(TIDY_SOCKET); // of the test before, if any
    assert_return_code(bind(fd, (const struct sockaddr *)&address, sizeof address), errno);
    return fd;
}

static int open_listener(void)
{
    int fd = open_socket();

    assert_return_code(listen(fd, 1), errno);
    return fd;
}

// A process that takes the lock of "alpha", asks, and writes its outcome to *ret_fd.
static pid_t start_asking(int *ret_fd)
{
    struct outcome outcome = { 0 };
    int            fds[2], lock_fd = -1;

    assert_return_code(pipe2(fds, O_CLOEXEC), errno);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        outcome.r = prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (lock_take(&lock_fd, "alpha", &outcome.err) == 0)
            outcome.r = tidy_ask(&good, lock_fd, &outcome.err);
        outcome.is_lock_there = fcntl(lock_fd, F_GETFD) >= 0;
        _exit(write(fds[1], &outcome, sizeof outcome) == (ssize_t)sizeof outcome ? 0 : 1);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

static void await(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    assert_int_equal(poll(&waiting, 1, GUARD_MS), 1);
}

static int accept_within(int listener)
{
    await(listener);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_return_code(fd, errno);
    return fd;
}

static struct outcome finish_asking(pid_t pid, int fd)
{
    struct outcome outcome = { 0 };
    int            status = 0;

    await(fd);
    assert_int_equal(read(fd, &outcome, sizeof outcome), sizeof outcome);
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(outcome.is_lock_there);
    return outcome;
}

// The outcome for one who is answered with these bytes, or with nothing at all: NULL.
static struct outcome ask_and_answer(const void *bytes, size_t n, bool is_read)
{
    struct tidy_request request;
    int                 outcome_fd = -1;

    AUTO_FD listener = open_listener();
    pid_t   pid = start_asking(&outcome_fd);
    AUTO_FD fd = accept_within(listener);
    await(fd);
    if (is_read)
        assert_int_equal(recv(fd, &request, sizeof request, 0), sizeof request);
    if (bytes)
        assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    fd = fd_close(fd);
    return finish_asking(pid, outcome_fd);
}

static void assert_not_listening(int errnum)
{
    struct error err = { 0 };

    assert_int_equal(tidy_ask(&good, STDIN_FILENO, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, strerror(errnum)));
    assert_non_null(strstr(err.message, "run 'systemctl start left4me-tidy.socket'"));
}

static void test_nobody_listens(void **state)
{
    (void)state;
    assert_not_listening(ENOENT);
    int fd = open_socket();
    assert_not_listening(ECONNREFUSED); // not yet
    close(fd);
    assert_not_listening(ECONNREFUSED); // no longer
}

static void test_what_is_no_answer(void **state)
{
    static const struct tidy_reply done = { .magic = PROTOCOL_MAGIC };
    static const struct tidy_reply foreign = { .magic = PROTOCOL_MAGIC + 1 };
    static const struct {
        const char              *name;
        const struct tidy_reply *reply; // NULL: closes
        size_t                   n;
        bool                     is_read; // the request
    } cases[] = {
        { "closes", NULL, 0, true },
        { "closes without a look", NULL, 0, false },
        { "says nothing", &done, 0, true },
        { "says one byte", &done, 1, true },
        { "a byte is missing", &done, sizeof done - 1, true },
        { "a byte too many", &done, sizeof done + 1, true },
        { "twice the answer", &done, 2 * sizeof done, true },
        { "other magic", &foreign, sizeof foreign, true },
    };
    uint8_t bytes[2 * sizeof done];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        memset(bytes, 0, sizeof bytes);
        if (cases[i].reply)
            memcpy(bytes, cases[i].reply, sizeof *cases[i].reply);
        struct outcome outcome =
            ask_and_answer(cases[i].reply ? bytes : NULL, cases[i].n, cases[i].is_read);
        if (outcome.r != -1 || outcome.err.kind != ERROR_UNAVAILABLE ||
            !strstr(outcome.err.message, "ended without an answer: see 'journalctl"))
            fail_msg("%s: %d, %s", cases[i].name, outcome.r, outcome.err.message);
    }
}

static void test_an_error_is_passed_on(void **state)
{
    static const struct {
        uint32_t        kind;
        int32_t         errnum;
        const char     *message;
        enum error_kind want;
        const char     *want_message;
    } cases[] = {
        { ERROR_NO_SPACE, ENOSPC, "making the directory 'upper': it is full", ERROR_NO_SPACE,
          "making the directory 'upper': it is full" },
        { ERROR_INVALID, 0, "the instance name is not valid", ERROR_INVALID,
          "the instance name is not valid" },
        { ERROR_SYSTEM, EIO, "reading", ERROR_SYSTEM, "reading" },
        // What no tidy of ours would say.
        { ERROR_KIND_COUNT, 1, "a", ERROR_SYSTEM, "a" },
        { UINT32_MAX, 1, "two\nlines", ERROR_SYSTEM, "two?lines" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct tidy_reply reply = { PROTOCOL_MAGIC, cases[i].kind, cases[i].errnum, "" };
        snprintf(reply.message, sizeof reply.message, "%s", cases[i].message);
        struct outcome outcome = ask_and_answer(&reply, sizeof reply, true);
        assert_int_equal(outcome.r, -1);
        assert_int_equal(outcome.err.kind, cases[i].want);
        assert_int_equal(outcome.err.errnum, cases[i].errnum);
        assert_string_equal(outcome.err.message, cases[i].want_message);
    }
}

static void test_a_sentence_without_an_end(void **state)
{
    struct tidy_reply reply = { PROTOCOL_MAGIC, ERROR_FAILED, 0, "" };

    (void)state;
    memset(reply.message, 'x', sizeof reply.message);
    struct outcome outcome = ask_and_answer(&reply, sizeof reply, true);
    assert_int_equal(outcome.err.kind, ERROR_FAILED);
    assert_int_equal(strlen(outcome.err.message), ERROR_MESSAGE_MAX - 1);
}

// The request and the one descriptor that comes along with it.
static int receive_request(struct tidy_request *ret, int fd)
{
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec  iov = { ret, sizeof *ret };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    int passed = -1;

    await(fd);
    assert_int_equal(recvmsg(fd, &msg, MSG_CMSG_CLOEXEC), sizeof *ret);
    assert_int_equal(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
    assert_non_null(header);
    assert_int_equal(header->cmsg_level, SOL_SOCKET);
    assert_int_equal(header->cmsg_type, SCM_RIGHTS);
    assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof passed));
    memcpy(&passed, CMSG_DATA(header), sizeof passed);
    return passed;
}

// Should the broker die, the directories stay locked until the work in them has ended.
static void test_the_lock_goes_along(void **state)
{
    static const struct tidy_reply done = { .magic = PROTOCOL_MAGIC };
    struct tidy_request            request = { 0 };
    struct stat                    passed_st, lock_st;
    struct error                   err = { 0 };
    int                            outcome_fd = -1;

    (void)state;
    AUTO_FD listener = open_listener();
    pid_t   pid = start_asking(&outcome_fd);
    AUTO_FD fd = accept_within(listener);
    AUTO_FD passed = receive_request(&request, fd);
    assert_memory_equal(&request, &good, sizeof good);
    assert_int_equal(send(fd, &done, sizeof done, 0), sizeof done);
    struct outcome outcome = finish_asking(pid, outcome_fd);
    assert_int_equal(outcome.r, 0);
    assert_int_equal(outcome.err.kind, ERROR_NONE);

    AUTO_FD lock = -1; // whoever asked has gone, and with it its own
    assert_int_equal(lock_take(&lock, "alpha", &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_return_code(fstat(passed, &passed_st), errno);
    passed = fd_close(passed);
    assert_int_equal(lock_take(&lock, "alpha", &err), 0);
    assert_return_code(fstat(lock, &lock_st), errno);
    assert_int_equal(passed_st.st_ino, lock_st.st_ino);
    assert_int_equal(passed_st.st_dev, lock_st.st_dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_the_last_byte_of_a_name_counts),
        cmocka_unit_test(test_every_other_size_is_refused),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_an_error_is_passed_on),
        cmocka_unit_test(test_a_sentence_without_an_end),
        cmocka_unit_test(test_the_lock_goes_along),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-tidyask needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
