// SPDX-License-Identifier: MIT

// left4me-broker: the one way to the init system for those who may not talk to it.
//
// A process for each connection: one request, one reply, then it ends. Root without any capability.

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "priv/acceptor.h"
#include "priv/peer.h"
#include "priv/verbs.h"

#define DONE_WITHIN_S 600 // the longest waits for a stop, two unmounts and directories

static int answer(int fd, struct error *err)
{
    AUTO(bus_system_freep) struct bus *bus = bus_system_new();
    union request                      request;
    struct reply                       reply;
    size_t                             n_bytes = 0;
    AUTO_FD                            passed_fd = -1;

    if (!bus)
        return error_sys(err, ENOMEM, "starting");
    if (peer_check(fd, err) < 0 ||
        peer_receive(fd, &request, sizeof request, &n_bytes, &passed_fd, err) < 0)
        return -1;
    if (n_bytes == 0)
        return 0; // it has left
    int r = verbs_handle(&reply, &request, n_bytes, passed_fd, bus, err);
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
    return acceptor_main(serve, ACCEPTOR_FINISHES);
}
