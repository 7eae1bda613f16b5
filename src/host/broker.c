// SPDX-License-Identifier: MIT
#include "host/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include "base/fd.h"

#define TIMEOUT_MS         30000u
#define TIMEOUT_RESTART_MS 120000u // it stops the game and waits for the unmount
#define BUSY_TRIES         100u
#define BUSY_WAIT_NS       300000000L // between two tries

int broker_connect(int *ret, const char *socket_path, const char *what, struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    AUTO_FD            fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    size_t             n = strlen(socket_path);

    if (fd < 0 || n >= sizeof address.sun_path)
        return error_sys(err, fd < 0 ? errno : ENAMETOOLONG, "connecting to %s", what);
    memcpy(address.sun_path, socket_path, n + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return error_set(err, ERROR_UNAVAILABLE,
                             "%s does not listen at %s: run 'systemctl start %s.socket'", what,
                             socket_path, what);
        return error_sys(err, errno, "connecting to %s at %s", what, socket_path);
    }
    *ret = TAKE_FD(fd);
    return 0;
}

static int wait_readable(int fd, unsigned timeout_ms, struct error *err)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    int           n;

    do
        n = poll(&pollfd, 1, (int)timeout_ms);
    while (n < 0 && errno == EINTR); // a signal may stretch the wait; it has no other meaning here
    if (n < 0)
        return error_sys(err, errno, "waiting for the broker");
    if (n == 0)
        return error_set(err, ERROR_TIMEOUT, "the broker did not answer within %u s",
                         timeout_ms / 1000);
    return 0;
}

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_well_formed(const struct reply *reply)
{
    return reply->magic == PROTOCOL_MAGIC &&
           is_terminated(reply->active_state, sizeof reply->active_state) &&
           is_terminated(reply->sub_state, sizeof reply->sub_state) &&
           is_terminated(reply->result, sizeof reply->result) &&
           is_terminated(reply->message, sizeof reply->message);
}

static int send_request(int fd, const void *request, size_t n_request, int passed_fd,
                        struct error *err)
{
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec  iov = { (void *)(uintptr_t)request, n_request }; // it is only read
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (passed_fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), &passed_fd, sizeof passed_fd);
    }
    if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)n_request)
        return error_sys(err, errno, "asking the broker");
    return 0;
}

int broker_exchange(int fd, const void *request, size_t n_request, int passed_fd,
                    unsigned timeout_ms, struct reply *ret, struct error *err)
{
    struct reply reply;

    *ret = (struct reply){ 0 };
    if (send_request(fd, request, n_request, passed_fd, err) < 0 ||
        wait_readable(fd, timeout_ms, err) < 0)
        return -1;

    ssize_t n = recv(fd, &reply, sizeof reply, MSG_TRUNC);
    if (n < 0)
        return error_sys(err, errno, "hearing the broker");
    if (n == 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the broker ended without an answer: see 'journalctl -u "
                         "left4me-broker'");
    if ((size_t)n != sizeof reply || !is_well_formed(&reply))
        return error_set(err, ERROR_UNAVAILABLE,
                         "the broker's answer makes no sense: are two versions of left4me mixed?");
    *ret = reply;
    if (reply.kind != ERROR_NONE)
        return error_adopt(err, (int)reply.kind, reply.errnum, reply.message, sizeof reply.message);
    return 0;
}

static int ask_once(const struct host_paths *paths, const void *request, size_t n_request,
                    int passed_fd, unsigned timeout_ms, struct reply *ret, struct error *err)
{
    AUTO_FD fd = -1;

    *ret = (struct reply){ 0 };
    if (broker_connect(&fd, paths->broker_socket, "left4me-broker", err) < 0)
        return -1;
    return broker_exchange(fd, request, n_request, passed_fd, timeout_ms, ret, err);
}

// The broker works on one instance, or one build, for one caller at a time, and goes on when its
// caller is killed: what it is busy with now is over soon. True: ask once more.
static bool may_ask_again(const struct error *err, unsigned *tries)
{
    static const struct timespec pause = { .tv_nsec = BUSY_WAIT_NS };

    if (err->kind != ERROR_BUSY || err->errnum != EWOULDBLOCK || ++*tries > BUSY_TRIES)
        return false;
    (void)nanosleep(&pause, NULL); // woken early only means one more try
    return true;
}

static int ask_with(const struct host_paths *paths, const void *request, size_t n_request,
                    int passed_fd, unsigned timeout_ms, struct reply *ret, struct error *err)
{
    unsigned tries = 0;
    int      r;

    do
        r = ask_once(paths, request, n_request, passed_fd, timeout_ms, ret, err);
    while (r < 0 && may_ask_again(err, &tries));
    return r;
}

static int ask(const struct host_paths *paths, const void *request, size_t n_request,
               unsigned timeout_ms, struct reply *ret, struct error *err)
{
    return ask_with(paths, request, n_request, -1, timeout_ms, ret, err);
}

static struct request_header header(enum verb verb, size_t n)
{
    return (struct request_header){ PROTOCOL_MAGIC, (uint16_t)verb, (uint16_t)n };
}

int broker_instance(const struct host_paths *paths, enum verb verb,
                    const struct instance_name *name, struct reply *ret, struct error *err)
{
    struct request_name request = { header(verb, sizeof request), *name };

    return ask(paths, &request, sizeof request, TIMEOUT_MS, ret, err);
}

// Sealed memory that holds the bytes.
static int seal(int *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO_FD fd = memfd_create("left4me-edit", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return error_sys(err, errno, "making a list");
    if (fd_write_all(fd, bytes, n_bytes, err) < 0)
        return -1;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return error_sys(err, errno, "sealing a list");
    *ret = TAKE_FD(fd);
    return 0;
}

int broker_edit(const struct host_paths *paths, const struct instance_name *name,
                const char *dropped, size_t n_bytes, struct reply *ret, struct error *err)
{
    struct request_name request = { header(VERB_INSTANCE_EDIT, sizeof request), *name };
    AUTO_FD             fd = -1;

    if (n_bytes == 0)
        return error_set(err, ERROR_INVALID, "no path is named");
    if (n_bytes > EDIT_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "these are too many paths at once");
    if (seal(&fd, dropped, n_bytes, err) < 0)
        return -1;
    return ask_with(paths, &request, sizeof request, fd, TIMEOUT_RESTART_MS, ret, err);
}

int broker_stack(const struct host_paths *paths, enum verb verb, const struct instance_name *name,
                 const struct instance_stack *stack, struct reply *ret, struct error *err)
{
    struct request_stack request = { header(verb, sizeof request), *name, *stack };
    bool                 is_restart = verb == VERB_INSTANCE_RESTART;

    if (instance_stack_check(stack, err) < 0)
        return -1;
    return ask(paths, &request, sizeof request, is_restart ? TIMEOUT_RESTART_MS : TIMEOUT_MS, ret,
               err);
}

int broker_build_start(const struct host_paths *paths, const struct request_build_start *wanted,
                       struct reply *ret, struct error *err)
{
    struct request_build_start request = *wanted;

    request.header = header(VERB_BUILD_START, sizeof request);
    return ask(paths, &request, sizeof request, TIMEOUT_MS, ret, err);
}

int broker_overlay_create(const struct host_paths *paths, enum overlay_type type, struct reply *ret,
                          struct error *err)
{
    struct request_overlay request = { header(VERB_OVERLAY_CREATE, sizeof request), type, 0 };

    return ask(paths, &request, sizeof request, TIMEOUT_MS, ret, err);
}

int broker_overlay_remove(const struct host_paths *paths, uint32_t overlay, struct reply *ret,
                          struct error *err)
{
    struct request_overlay request = { header(VERB_OVERLAY_REMOVE, sizeof request), 0, overlay };

    return ask(paths, &request, sizeof request, TIMEOUT_MS, ret, err);
}

int broker_build(const struct host_paths *paths, enum verb verb, uint32_t build, struct reply *ret,
                 struct error *err)
{
    struct request_build request = { header(verb, sizeof request), build, 0 };

    return ask(paths, &request, sizeof request, TIMEOUT_MS, ret, err);
}
