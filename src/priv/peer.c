// SPDX-License-Identifier: MIT
#include "priv/peer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/fd.h"
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

// The descriptor that came along, or -1. There is room for one, so the kernel has closed any other.
static int take_passed(struct msghdr *msg)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    int                   passed = -1;

    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof passed))
        memcpy(&passed, CMSG_DATA(header), sizeof passed);
    return passed;
}

int peer_receive(int fd, void *ret, size_t size, size_t *ret_n, int *ret_passed, struct error *err)
{
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    struct iovec  iov = { ret, size };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = ret_passed ? &control : NULL,
        // Not CMSG_SPACE(): what it adds for alignment has room for a second one.
        .msg_controllen = ret_passed ? CMSG_LEN(sizeof(int)) : 0,
    };

    int n_ready = poll(&waiting, 1, PEER_WITHIN_MS);
    if (n_ready < 0)
        return error_sys(err, errno, "waiting for the request");
    if (n_ready == 0)
        return error_set(err, ERROR_TIMEOUT, "the peer said nothing");
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return error_sys(err, errno, "receiving the request");
    AUTO_FD passed = ret_passed ? take_passed(&msg) : -1;
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return error_set(err, ERROR_INVALID, "the message is not one of ours");
    *ret_n = (size_t)n;
    if (ret_passed)
        *ret_passed = TAKE_FD(passed);
    return 0;
}
