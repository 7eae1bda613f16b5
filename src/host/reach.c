// SPDX-License-Identifier: MIT
#include "host/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/fd.h"
#include "base/number.h"

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

// "127.0.0.1", or "::1" of "[::1]". False: it is neither.
static bool take_host(char ret[ADDRESS_ROOM], const char *host, size_t n)
{
    const bool is_bracketed = n > 0 && *host == '[';

    if (is_bracketed && (n < 2 || host[n - 1] != ']'))
        return false;
    host += is_bracketed;
    n -= is_bracketed ? 2 : 0;
    if (n == 0 || n >= ADDRESS_ROOM)
        return false;
    memcpy(ret, host, n);
    ret[n] = '\0';
    return true;
}

int reach(const char *address)
{
    const struct addrinfo                  hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                                     .ai_socktype = SOCK_STREAM };
    AUTO(addresses_freep) struct addrinfo *found = NULL;
    const char                            *port = strrchr(address, ':');
    char                                   host[ADDRESS_ROOM];
    uint32_t                               number;
    struct error                           ignored; // what is wrong with a port is all the same

    if (*address == '/')
        return reach_path(address);
    if (!port || !take_host(host, address, (size_t)(port - address)) ||
        number_parse_u32(&number, port + 1, 1, UINT16_MAX, &ignored) < 0 ||
        getaddrinfo(host, port + 1, &hints, &found) != 0)
        return EAFNOSUPPORT;
    return reach_socket(found->ai_addr, found->ai_addrlen);
}
