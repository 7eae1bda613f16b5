// SPDX-License-Identifier: MIT
#include "base/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/fd.h"

int notify_send(const char *text, struct error *err)
{
    AUTO_FD            fd = -1;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char        *path = getenv("NOTIFY_SOCKET");

    if (!path)
        return 0;
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof address.sun_path)
        return error_set(err, ERROR_INVALID, "NOTIFY_SOCKET is not a socket's address");
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t n_address = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_sys(err, errno, "making a socket");
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, n_address) < 0)
        return error_sys(err, errno, "telling the init system");
    return 0;
}
