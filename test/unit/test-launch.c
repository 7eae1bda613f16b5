// SPDX-License-Identifier: MIT
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/notify.h"
#include "launch/arguments.h"
#include "launch/sockets.h"

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

static void test_socket_tables(void **state)
{
    static const struct {
        const char      *line;
        enum socket_kind kind;
        bool             want;
    } cases[] = {
        // port 27015 is 6987
        { "  123: 00000000:6987 00000000:0000 07 00000000:00000000 00:00000000 00000000   991      "
          "  0 1 2",
          SOCKET_UDP_BOUND, true },
        { "  123: 00000000:6987 00000000:0000 07 00000000:00000000 00:00000000 00000000   992      "
          "  0 1 2",
          SOCKET_UDP_BOUND, false },
        { "  123: 00000000:6988 00000000:0000 07 00000000:00000000 00:00000000 00000000   991      "
          "  0 1 2",
          SOCKET_UDP_BOUND, false },
        { "    0: 00000000000000000000000000000000:6987 00000000000000000000000000000000:0000 0A "
          "00000000:00000000 00:00000000 00000000   991        0 1 1",
          SOCKET_TCP_LISTENING, true },
        { "    0: 0100007F:6987 0200007F:1F90 01 00000000:00000000 00:00000000 00000000   991   0 "
          "1 1",
          SOCKET_TCP_LISTENING, false },
        { "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
          "timeout",
          SOCKET_UDP_BOUND, false },
        { "", SOCKET_UDP_BOUND, false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(sockets_line_matches(cases[i].line, cases[i].kind, 27015, 991),
                         cases[i].want);
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
    assert_true(sockets_any(SOCKET_UDP_BOUND, port, getuid()));
    assert_false(sockets_any(SOCKET_UDP_BOUND, port, getuid() + 1));
    assert_false(sockets_any(SOCKET_TCP_LISTENING, port, getuid()));
}

static void test_notifications_arrive(void **state)
{
    struct unit_dir   *dir = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct error       err = { 0 };
    char               text[64] = "";

    AUTO_FD fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/n", dir->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    assert_int_equal(notify_send("READY=1", &err), 0);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 7);
    assert_string_equal(text, "READY=1");
    setenv("NOTIFY_SOCKET", "not-a-path", 1);
    assert_int_equal(notify_send("READY=1", &err), -1);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_send("READY=1", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_socket_tables),
        cmocka_unit_test(test_a_real_socket_is_found),
        cmocka_unit_test_setup_teardown(test_notifications_arrive, unit_dir_setup,
                                        unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
