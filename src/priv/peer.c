// SPDX-License-Identifier: MIT
#include "priv/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include "priv/account.h"

int peer_check(int fd, struct error *err)
{
    struct ucred   peer;
    struct account control;
    socklen_t      n = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
        return error_sys(err, errno, "asking who is calling");
    if (peer.uid == 0)
        return 0;
    if (account_find(&control, "left4me", err) < 0)
        return -1;
    if (peer.uid != control.uid)
        return error_set(err, ERROR_DENIED, "user %u may not call", (unsigned)peer.uid);
    return 0;
}
