// SPDX-License-Identifier: MIT
#include "priv/tidy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "base/fd.h"

int tidy_request_check(const struct tidy_request *request, size_t n_bytes, struct error *err)
{
    static const struct instance_name none;

    if (n_bytes != sizeof *request || request->magic != PROTOCOL_MAGIC)
        return error_set(err, ERROR_INVALID, "the message is not one of ours");
    if (request->action == 0 || request->action >= TIDY_ACTION_COUNT)
        return error_set(err, ERROR_INVALID, "there is no action %u", request->action);
    if (request->action < TIDY_BUILD_CREATE) {
        if (!instance_name_is_valid(&request->name) || request->number)
            return error_set(err, ERROR_INVALID, "the instance name is not valid");
    } else if (request->number == 0 || request->number > NUMBER_MAX ||
               memcmp(&request->name, &none, sizeof none) != 0) {
        return error_set(err, ERROR_INVALID, "the number is out of range");
    } else if (request->action >= TIDY_OVERLAY_CREATE && request->number == GAME_OVERLAY) {
        return error_set(err, ERROR_INVALID, "the game overlay is neither made nor removed");
    }
    return 0;
}

static int dial(int *ret, struct error *err)
{
    static const struct sockaddr_un address = { AF_UNIX, TIDY_SOCKET };
    AUTO_FD                         fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_sys(err, errno, "making a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "left4me-tidy does not listen (%s): run 'systemctl start "
                         "left4me-tidy.socket'",
                         strerror(errno));
    *ret = TAKE_FD(fd);
    return 0;
}

static int gone(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE,
                     "left4me-tidy ended without an answer: see 'journalctl -u left4me-tidy'");
}

static int send_request(int fd, const struct tidy_request *request, int lock_fd, struct error *err)
{
    struct tidy_request copy = *request;
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(sizeof(int))];
    } control = { .header = { .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS,
                              .cmsg_len = CMSG_LEN(sizeof lock_fd) } };
    struct iovec  iov = { &copy, sizeof copy };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    memcpy(CMSG_DATA(&control.header), &lock_fd, sizeof lock_fd);
    if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof copy)
        return errno == EPIPE || errno == ECONNRESET ? gone(err)
                                                     : error_sys(err, errno, "asking left4me-tidy");
    return 0;
}

static int hear(int fd, struct error *err)
{
    struct pollfd     pollfd = { .fd = fd, .events = POLLIN };
    struct tidy_reply reply;

    int n_ready = poll(&pollfd, 1, TIDY_WITHIN_MS);
    if (n_ready < 0)
        return error_sys(err, errno, "waiting for left4me-tidy");
    if (n_ready == 0)
        return error_set(err, ERROR_TIMEOUT,
                         "the directories are still being worked on: try again later");
    ssize_t n = recv(fd, &reply, sizeof reply, MSG_TRUNC);
    if (n != (ssize_t)sizeof reply || reply.magic != PROTOCOL_MAGIC)
        return gone(err);
    if (reply.kind == ERROR_NONE)
        return 0;
    return error_adopt(err, (int)reply.kind, reply.errnum, reply.message, sizeof reply.message);
}

int tidy_ask(const struct tidy_request *request, int lock_fd, struct error *err)
{
    AUTO_FD fd = -1;

    if (dial(&fd, err) < 0 || send_request(fd, request, lock_fd, err) < 0)
        return -1;
    return hear(fd, err);
}
