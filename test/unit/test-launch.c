// SPDX-License-Identifier: MIT
#include "unit.h"

#include <sys/socket.h>
#include <sys/un.h>
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
        cmocka_unit_test_setup_teardown(test_notifications_arrive, unit_dir_setup,
                                        unit_dir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
