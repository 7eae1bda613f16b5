// SPDX-License-Identifier: MIT

// left4me-broker: the one way to the init system for those who may not talk to it.
//
// A process for each connection: one request, one reply, then it ends. Root without any capability.

#include <errno.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "priv/acceptor.h"
#include "priv/peer.h"
#include "priv/verbs.h"

#define REQUEST_WITHIN_MS 5000 // a peer that says nothing is not kept
#define DONE_WITHIN_S     600  // the longest waits for a stop, two unmounts and directories

static int receive(union request *ret, size_t *ret_n, int fd, struct error *err)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    struct iovec  iov = { ret, sizeof *ret };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    int n_ready = poll(&waiting, 1, REQUEST_WITHIN_MS);
    if (n_ready < 0)
        return error_sys(err, errno, "waiting for the request");
    if (n_ready == 0)
        return error_set(err, ERROR_TIMEOUT, "the peer said nothing");
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
    if (n < 0)
        return error_sys(err, errno, "receiving the request");
    if (n == 0)
        return error_set(err, ERROR_NOT_FOUND, "the peer left");
    if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return error_set(err, ERROR_INVALID, "the message is too long");
    *ret_n = (size_t)n;
    return 0;
}

static int answer(int fd, struct error *err)
{
    AUTO(bus_system_freep) struct bus *bus = bus_system_new();
    union request                      request;
    struct reply                       reply;
    size_t                             n_bytes = 0;

    if (!bus)
        return error_sys(err, ENOMEM, "starting");
    if (peer_check(fd, err) < 0)
        return -1;
    if (receive(&request, &n_bytes, fd, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    int r = verbs_handle(&reply, &request, n_bytes, bus, err);
    // The peer may be gone by now; what it asked for has been done.
    (void)send(fd, &reply, sizeof reply, MSG_NOSIGNAL | MSG_DONTWAIT);
    return r;
}

static int serve(int fd)
{
    struct error err = { 0 };

    (void)alarm(DONE_WITHIN_S);
    if (answer(fd, &err) < 0)
        log_line(LEVEL_WARNING, "refused: %s", err.message);
    return 0; // a bad message is the peer's fault, not a failure of ours
}

int main(void)
{
    struct error err = { 0 };

    if (acceptor_run(serve, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return 1;
    }
    return 0;
}
