// SPDX-License-Identifier: MIT
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include "priv/peer.h"

#define SIZE        16u // of the message that is awaited
#define PASSED_MAX  4u
#define CONTROL_UID 4321u
#define NOBODY      65534u

static unsigned n_open(void)
{
    DIR     *list = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(list);
    while (readdir(list))
        n++;
    closedir(list);
    return n;
}

static void connect_both(int ret[static 2])
{
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret), errno);
}

// Sends `n` bytes, and copies of `fd`.
static void say(int to, size_t n, int fd, size_t n_passed)
{
    static char text[2 * SIZE] = "what a peer says in a test, 32 b";
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
    } control = { .header = { .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(n_passed * sizeof(int)) } };
    struct iovec  iov = { text, n };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    for (size_t i = 0; i < n_passed; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof fd, &fd, sizeof fd);
    if (n_passed) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(n_passed * sizeof(int));
    }
    assert_int_equal(sendmsg(to, &msg, 0), n);
}

static void assert_is_copy(int fd, int of)
{
    struct stat got, want;

    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_return_code(fstat(fd, &got), errno);
    assert_return_code(fstat(of, &want), errno);
    assert_int_equal(got.st_ino, want.st_ino);
    assert_int_equal(got.st_dev, want.st_dev);
}

static void test_what_is_received(void **state)
{
    static const struct {
        const char *name;
        size_t      n, n_passed;
        bool        is_wanted; // a descriptor
        bool        is_taken;
    } cases[] = {
        { "exactly as long as awaited", SIZE, 0, false, true },
        { "shorter", SIZE - 1, 0, false, true },
        { "one byte", 1, 0, false, true },
        { "longer", SIZE + 1, 0, false, false },
        { "twice as long", 2 * SIZE, 0, true, false },
        { "a descriptor that is wanted", SIZE, 1, true, true },
        { "none, where one is wanted", SIZE, 0, true, true },
        { "one that nobody wants", SIZE, 1, false, false },
        { "two, where one is wanted", SIZE, 2, true, false },
        { "three", SIZE, 3, true, false },
        { "four", SIZE, PASSED_MAX, true, false },
        { "two that nobody wants", SIZE, 2, false, false },
        { "a descriptor with a message that is too long", SIZE + 1, 1, true, false },
    };
    struct unit_dir *dir = *state;
    int              ends[2];

    connect_both(ends);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char         bytes[SIZE + 1] = "................";
        struct error err = { 0 };
        size_t       n = 999;
        int          passed = -99;
        unsigned     n_before = n_open();
        say(ends[1], cases[i].n, dir->fd, cases[i].n_passed);
        int r = peer_receive(ends[0], bytes, SIZE, &n, cases[i].is_wanted ? &passed : NULL, &err);
        if (r != (cases[i].is_taken ? 0 : -1) || (r < 0 && err.kind != ERROR_INVALID))
            fail_msg("%s: %d, %s", cases[i].name, r, err.message);
        assert_int_equal(n, cases[i].is_taken ? cases[i].n : 999);
        assert_int_equal(bytes[SIZE], '\0');
        if (r == 0)
            assert_memory_equal(bytes, "what a peer says", n);
        if (r < 0 || !cases[i].is_wanted)
            assert_int_equal(passed, -99); // not written
        else if (cases[i].n_passed == 0)
            assert_int_equal(passed, -1);
        else
            assert_is_copy(passed, dir->fd);
        if (r == 0)
            (void)fd_close(passed);
        if (n_open() != n_before)
            fail_msg("%s: %u descriptors were left", cases[i].name, n_open() - n_before);
    }
    close(ends[0]);
    close(ends[1]);
}

static void test_who_has_left_says_nothing(void **state)
{
    struct error err = { 0 };
    char         bytes[SIZE];
    size_t       n = 999;
    int          ends[2], passed = -99;

    (void)state;
    connect_both(ends);
    say(ends[1], 3, -1, 0);
    close(ends[1]);
    assert_int_equal(peer_receive(ends[0], bytes, sizeof bytes, &n, &passed, &err), 0);
    assert_int_equal(n, 3); // what was said before is heard
    assert_int_equal(peer_receive(ends[0], bytes, sizeof bytes, &n, &passed, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(passed, -1);
    close(ends[0]);
    assert_int_equal(peer_receive(ends[0], bytes, sizeof bytes, &n, &passed, &err), -1);
}

static void test_who_may_call(void **state)
{
    static const struct {
        uid_t           uid;
        enum error_kind check, is_root;
    } cases[] = {
        { 0, ERROR_NONE, ERROR_NONE },
        { CONTROL_UID, ERROR_NONE, ERROR_DENIED },
        { CONTROL_UID + 1, ERROR_DENIED, ERROR_DENIED },
        { NOBODY, ERROR_DENIED, ERROR_DENIED },
    };
    struct unit_dir *dir = *state;
    char             path[80];

    snprintf(path, sizeof path, "%s/passwd", dir->path);
    unit_write(dir->fd, "passwd", "root:x:0:0::/:\nleft4me:x:4321:4321::/:\n");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(path, "/etc/passwd", NULL, MS_BIND, NULL) < 0)
        skip(); // it takes root to be anybody
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct error err = { 0 };
        int          ends[2];
        assert_return_code(seteuid(cases[i].uid), errno); // who makes the pair is its peer
        connect_both(ends);
        assert_return_code(seteuid(0), errno);
        assert_int_equal(peer_check(ends[0], &err), cases[i].check ? -1 : 0);
        assert_int_equal(err.kind, cases[i].check);
        err = (struct error){ 0 };
        assert_int_equal(peer_is_root(ends[0], &err), cases[i].is_root ? -1 : 0);
        assert_int_equal(err.kind, cases[i].is_root);
        close(ends[0]);
        close(ends[1]);
    }
    assert_return_code(umount("/etc/passwd"), errno);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, unit_dir_setup, unit_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_what_is_received),
        cmocka_unit_test(test_who_has_left_says_nothing),
        WITH_DIR(test_who_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
