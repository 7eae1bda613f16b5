// SPDX-License-Identifier: MIT
#include "admin/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/fd.h"

#define PATIENCE_MS  2000 // a filter that drops what comes answers never
#define ADDRESS_ROOM 128u // of one with a port: longer ones are none

static void addresses_freep(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
}

static int wait_connected(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLOUT };
    int           errnum = 0;
    socklen_t     n = sizeof errnum;
    int           r = poll(&wait, 1, PATIENCE_MS);

    if (r <= 0)
        return r < 0 ? errno : ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &n) < 0 ? errno : errnum;
}

static int reach_socket(const struct sockaddr *address, socklen_t n)
{
    AUTO_FD fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return errno;
    // The queue of a path that is full is one that somebody has opened.
    if (connect(fd, address, n) == 0 || errno == EAGAIN)
        return 0;
    return errno == EINPROGRESS ? wait_connected(fd) : errno;
}

static int reach_path(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    (void)strcpy(address.sun_path, path); // it fits
    return reach_socket((const struct sockaddr *)&address, sizeof address);
}

int reach(const char *address)
{
    const struct addrinfo                  hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                                     .ai_socktype = SOCK_STREAM };
    AUTO(addresses_freep) struct addrinfo *found = NULL;
    char                                   host[ADDRESS_ROOM];
    const char                            *port = strrchr(address, ':');

    if (*address == '/')
        return reach_path(address);
    const char *begin = *address == '[' ? address + 1 : address;
    if (!port || (size_t)(port - address) >= sizeof host || port - begin < 1)
        return EAFNOSUPPORT;
    size_t n = (size_t)(port - begin) - (begin > address && port[-1] == ']');
    memcpy(host, begin, n);
    host[n] = '\0';
    if (getaddrinfo(host, port + 1, &hints, &found) != 0)
        return EAFNOSUPPORT;
    return reach_socket(found->ai_addr, found->ai_addrlen);
}
