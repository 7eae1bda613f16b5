// SPDX-License-Identifier: MIT
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/fd.h"

static int socket_address(struct sockaddr_un *ret, socklen_t *ret_n, const char *path,
                          struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t             n = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || n >= sizeof address.sun_path)
        return error_set(err, ERROR_INVALID, "NOTIFY_SOCKET is not a socket's address");
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    *ret = address;
    *ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return 0;
}

int notify_send_fd(const char *text, int fd, struct error *err)
{
    AUTO_FD            socket_fd = -1;
    struct sockaddr_un address;
    char               copy[512];
    struct iovec       iov = { copy, 0 };
    struct msghdr      msg = { .msg_name = &address, .msg_iov = &iov, .msg_iovlen = 1 };
    union {
        struct cmsghdr header;
        char           space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    const char *path = getenv("NOTIFY_SOCKET");

    if (!path)
        return 0;
    if (socket_address(&address, &msg.msg_namelen, path, err) < 0)
        return -1;
    int n = snprintf(copy, sizeof copy, "%s", text);
    if (n < 0 || (size_t)n >= sizeof copy)
        return error_set(err, ERROR_INVALID, "a notification has at most %zu bytes",
                         sizeof copy - 1);
    iov.iov_len = (size_t)n;
    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
            .cmsg_len = CMSG_LEN(sizeof fd),
        };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return error_sys(err, errno, "making a socket");
    if (sendmsg(socket_fd, &msg, MSG_NOSIGNAL) < 0)
        return error_sys(err, errno, "telling the init system");
    return 0;
}

int notify_send(const char *text, struct error *err)
{
    return notify_send_fd(text, -1, err);
}

int notify_barrier(int timeout_ms, struct error *err)
{
    int ends[2];

    if (!getenv("NOTIFY_SOCKET"))
        return 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    AUTO_FD ours = ends[0];
    AUTO_FD theirs = ends[1];
    if (notify_send_fd("BARRIER=1", theirs, err) < 0)
        return -1;
    theirs = fd_close(theirs); // the init system's copy is the last one: its end is the answer
    struct pollfd waiting = { .fd = ours };
    int           n;
    do
        n = poll(&waiting, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_sys(err, errno, "waiting for the init system");
    if (n == 0)
        return error_set(err, ERROR_TIMEOUT, "the init system does not answer");
    return 0;
}
