// SPDX-License-Identifier: MIT
#include "net.h"

#include "base/fd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NET_BACKLOG 64

int net_address_parse(struct in_addr *ret, const char *ip, struct error *err)
{
    ret->s_addr = htonl(INADDR_ANY);
    if (ip && inet_pton(AF_INET, ip, ret) != 1)
        return error_set(err, ERROR_INVALID, "-ip '%.64s' is not an IPv4 address", ip);
    return 0;
}

static int bind_to(int fd, struct in_addr address, uint16_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET,
                                .sin_addr = address,
                                .sin_port = htons(port) };

    return bind(fd, (struct sockaddr *)&name, sizeof name);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_in name = { 0 };
    socklen_t          n_name = sizeof name;

    (void)getsockname(fd, (struct sockaddr *)&name, &n_name); // it was just bound
    return ntohs(name.sin_port);
}

int net_udp_bind(int *ret, uint16_t *ret_port, struct in_addr address, uint16_t port,
                 bool is_strict, struct error *err)
{
    AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_sys(err, errno, "creating a UDP socket");

    const int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
        return error_sys(err, errno, "asking for the address that was queried");

    unsigned tries = is_strict ? 1 : NET_PORT_TRIES;
    for (unsigned i = 0; bind_to(fd, address, (uint16_t)(port + i)) < 0; i++)
        if (errno != EADDRINUSE || i + 1 >= tries)
            return error_sys(err, errno, "binding UDP port %u", port + i);

    *ret_port = bound_port(fd);
    *ret = fd;
    fd = -1;
    return 0;
}

int net_tcp_listen(int *ret, struct in_addr address, uint16_t port, struct error *err)
{
    AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_sys(err, errno, "creating a TCP socket");

    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return error_sys(err, errno, "setting SO_REUSEADDR");
    if (bind_to(fd, address, port) < 0 || listen(fd, NET_BACKLOG) < 0)
        return error_sys(err, errno, "listening on TCP port %u", port);

    *ret = fd;
    fd = -1;
    return 0;
}

static bool line_names(char *line, const char *name, struct in_addr *ret)
{
    char       *rest;
    const char *address = strtok_r(line, " \t\n", &rest);
    const char *word;

    if (!address || inet_pton(AF_INET, address, ret) != 1)
        return false;
    while ((word = strtok_r(NULL, " \t\n", &rest)) && *word != '#')
        if (strcmp(word, name) == 0)
            return true;
    return false;
}

struct in_addr net_host_name_address(void)
{
    struct in_addr address = { htonl(INADDR_ANY) };
    char           name[256] = "", line[512];

    FILE *hosts = fopen("/etc/hosts", "re");
    if (!hosts || gethostname(name, sizeof name - 1) < 0)
        goto out;
    while (fgets(line, sizeof line, hosts))
        if (line_names(line, name, &address))
            goto out;
    address.s_addr = htonl(INADDR_ANY);
out:
    if (hosts)
        fclose(hosts);
    return address;
}
