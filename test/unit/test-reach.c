// SPDX-License-Identifier: MIT
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "host/reach.h"

// ---- what is none ------------------------------------------------------------------------------

static const char *const none[] = {
    "",          ":",          ":8080",          "8080",           "[",
    "[]",        "[]:",        "[::1]",          "[::1]:",         "@name",
    "127.0.0.1", "127.0.0.1:", "localhost:8080", "127.0.0.1:http", "127.0.0.1:99999",
    "[::1:8080", "vsock:1:2",  "[127.0.0.1",
};

static void test_what_is_no_address(void **state)
{
    char long_one[300];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(none); i++)
        if (reach(none[i]) != EAFNOSUPPORT)
            fail_msg("'%s' is taken for an address", none[i]);
    memset(long_one, '1', sizeof long_one - 1);
    (void)strcpy(long_one + sizeof long_one - 4, ":80");
    assert_int_equal(reach(long_one), EAFNOSUPPORT);
    *long_one = '/';
    assert_int_equal(reach(long_one), ENAMETOOLONG);
}

// ---- what is one -------------------------------------------------------------------------------

// Listens for as long as the descriptor is open; 0 in *ret_port where there is no such family.
static int listen_at(const struct sockaddr *address, socklen_t n, in_port_t *ret_port)
{
    struct sockaddr_in6 bound = { 0 };
    socklen_t           n_bound = sizeof bound;
    int                 fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_port = 0;
    if (fd < 0 || bind(fd, address, n) < 0)
        return fd;
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &n_bound), 0);
    *ret_port = ntohs(bound.sin6_port); // at the same place in both families
    return fd;
}

static void check_both(const char *host, const struct sockaddr *address, socklen_t n)
{
    char      text[64];
    in_port_t port;
    int       fd = listen_at(address, n, &port);

    if (port == 0) {
        (void)fd_close(fd);
        skip(); // no IPv6 here
    }
    (void)snprintf(text, sizeof text, "%s:%u", host, port); // it fits
    assert_int_equal(reach(text), 0);
    (void)fd_close(fd);
    assert_int_equal(reach(text), ECONNREFUSED);
}

static void test_ipv4(void **state)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    (void)state;
    check_both("127.0.0.1", (const struct sockaddr *)&address, sizeof address);
}

static void test_ipv6(void **state)
{
    const struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT };

    (void)state;
    check_both("[::1]", (const struct sockaddr *)&address, sizeof address);
}

static void test_a_path(void **state)
{
    char               directory[] = "/tmp/left4me-reach-XXXXXX";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    in_port_t          port;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    assert_int_equal(reach(address.sun_path), ENOENT);
    int fd = listen_at((const struct sockaddr *)&address, sizeof address, &port);
    assert_int_equal(reach(address.sun_path), 0);
    (void)fd_close(fd);
    assert_int_equal(reach(address.sun_path), ECONNREFUSED);
    (void)unlink(address.sun_path);
    (void)rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_a_path),
    };

    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
