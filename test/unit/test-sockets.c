// SPDX-License-Identifier: MIT
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include "base/sockets.h"

#define NOBODY "00000000:0000"
#define REST   " 00000000:00000000 00:00000000 00000000   991        0 1 2\n"
#define ZERO_6 "00000000000000000000000000000000"

static void test_lines(void **state)
{
    static const struct {
        const char      *line;
        enum socket_kind kind;
        bool             want;
    } cases[] = {
        // port 27015 is 6987
        { "  123: 00000000:6987 " NOBODY " 07" REST, SOCKET_UDP_BOUND, true },
        { "  123: 00000000:6987 " NOBODY " 07 00000000:00000000 00:00000000 00000000   992  0 1 2",
          SOCKET_UDP_BOUND, false },
        { "  123: 00000000:6988 " NOBODY " 07" REST, SOCKET_UDP_BOUND, false },
        { "    0: " ZERO_6 ":6987 " ZERO_6 ":0000 0A" REST, SOCKET_TCP_LISTENING, true },
        { "    0: 0100007F:6987 0200007F:1F90 01" REST, SOCKET_TCP_LISTENING, false },
        { "    0: 0100007F:6987 0200007F:1F90 01" REST, SOCKET_UDP_BOUND, true },
        { "    0: 0100007F:1F90 0200007F:6987 0A" REST, SOCKET_TCP_LISTENING, false },
        // What the kernel does not write.
        { "    0: 0" ZERO_6 ":6987 " ZERO_6 ":0000 0A" REST, SOCKET_TCP_LISTENING, false },
        { "    0: 00000000:06987 " NOBODY " 07" REST, SOCKET_UDP_BOUND, false },
        { "    0: 00000000: " NOBODY " 07" REST, SOCKET_UDP_BOUND, false },
        { "    F: 00000000:6987 " NOBODY " 07" REST, SOCKET_UDP_BOUND, false },
        { "  123: 00000000:6987 " NOBODY " 07 00000000:00000000 00:00000000 00000000 99100000000 0",
          SOCKET_UDP_BOUND, false },
        { "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
          "timeout",
          SOCKET_UDP_BOUND, false },
        { "", SOCKET_UDP_BOUND, false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(
            sockets_line_matches(cases[i].line, strlen(cases[i].line), cases[i].kind, 27015, 991),
            cases[i].want);
}

static void test_every_prefix_ends_well(void **state)
{
    static const char line[] = "  123: 00000000:6987 " NOBODY " 07" REST;
    const size_t      n_needed = (size_t)(strstr(line, "991") - line) + sizeof "991";

    (void)state;
    for (size_t n = 0; n < sizeof line; n++) {
        AUTO(freep) char *copy = malloc(n + 1); // the sanitizer guards its end
        memcpy(copy, line, n);
        assert_int_equal(sockets_line_matches(copy, n, SOCKET_UDP_BOUND, 27015, SOCKETS_ANY_USER),
                         n >= n_needed);
    }
}

static bool find(const char *dir, enum socket_kind kind, uint16_t port, uint32_t uid)
{
    struct error err = { 0 };
    bool         is_there = false;

    if (sockets_find(&is_there, dir, kind, port, uid, &err) < 0)
        fail_msg("%s", err.message);
    return is_there;
}

static void test_both_families_are_looked_at(void **state)
{
    struct unit_dir *dir = *state;
    struct error     err = { 0 };
    bool             is_there = false;

    assert_false(find(dir->path, SOCKET_UDP_BOUND, 27015, 991)); // no table is no socket
    unit_write(dir->fd, "udp", "h\n 0: 00000000:6988 " NOBODY " 07" REST);
    unit_write(dir->fd, "udp6", "h\n 0: " ZERO_6 ":6987 " ZERO_6 ":0000 07" REST);
    unit_write(dir->fd, "tcp", "h\n 0: 00000000:6989 " NOBODY " 0A" REST);
    assert_true(find(dir->path, SOCKET_UDP_BOUND, 27015, 991));
    assert_true(find(dir->path, SOCKET_UDP_BOUND, 27016, SOCKETS_ANY_USER));
    assert_false(find(dir->path, SOCKET_UDP_BOUND, 27016, 990));
    assert_false(find(dir->path, SOCKET_TCP_LISTENING, 27015, SOCKETS_ANY_USER));
    assert_true(find(dir->path, SOCKET_TCP_LISTENING, 27017, SOCKETS_ANY_USER));
    unlinkat(dir->fd, "tcp", 0);
    assert_int_equal(mkdirat(dir->fd, "tcp", 0755), 0);
    assert_int_equal(sockets_find(&is_there, dir->path, SOCKET_TCP_LISTENING, 1, 0, &err), -1);
    assert_int_equal(err.kind, ERROR_SYSTEM);
}

static void test_a_real_socket_is_found(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          n = sizeof address;

    (void)state;
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    uint16_t port = ntohs(address.sin_port);
    assert_true(find(SOCKETS_DIR, SOCKET_UDP_BOUND, port, getuid()));
    assert_false(find(SOCKETS_DIR, SOCKET_UDP_BOUND, port, getuid() + 1));
    assert_false(find(SOCKETS_DIR, SOCKET_TCP_LISTENING, port, getuid()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_every_prefix_ends_well),
        cmocka_unit_test_setup_teardown(test_both_families_are_looked_at, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test(test_a_real_socket_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
