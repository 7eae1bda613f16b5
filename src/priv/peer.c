// SPDX-License-Identifier: MIT
#include "priv/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include "priv/account.h"

static int find_peer(uid_t *ret, int fd, struct error *err)
{
    struct ucred peer;
    socklen_t    n = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
        return error_sys(err, errno, "asking who is calling");
    *ret = peer.uid;
    return 0;
}

static int refuse(uid_t uid, struct error *err)
{
    return error_set(err, ERROR_DENIED, "user %u may not call", (unsigned)uid);
}

int peer_check(int fd, struct error *err)
{
    struct account control;
    uid_t          uid = (uid_t)-1;

    if (find_peer(&uid, fd, err) < 0)
        return -1;
    if (uid == 0)
        return 0;
    if (account_find(&control, "left4me", err) < 0)
        return -1;
    return uid == control.uid ? 0 : refuse(uid, err);
}

int peer_is_root(int fd, struct error *err)
{
    uid_t uid = (uid_t)-1;

    if (find_peer(&uid, fd, err) < 0)
        return -1;
    return uid == 0 ? 0 : refuse(uid, err);
}
