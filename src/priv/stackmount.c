// SPDX-License-Identifier: MIT
#include "priv/stackmount.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/fd.h"
#include "priv/mountapi.h"

#define OPTIONS_MAX 4096u // the kernel copies one page, the NUL included

// What the child answers: 0 and a descriptor, or an errno and the step that failed.
struct answer {
    int  errnum;
    char step[60];
};

static int fail(struct answer *answer, const char *step)
{
    answer->errnum = errno ? errno : EIO;
    snprintf(answer->step, sizeof answer->step, "%s", step);
    return -1;
}

static int attach(int fd, const char *name)
{
    AUTO_FD dir_fd = -1;

    if (mkdir(name, 0700) < 0)
        return -1;
    dir_fd = open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir_fd < 0)
        return -1;
    return mount_attach(fd, dir_fd);
}

// An empty room: a private copy of the mount table with a fresh tmpfs as working directory.
static int enter_private_room(struct answer *answer)
{
    if (unshare(CLONE_NEWNS) < 0)
        return fail(answer, "leaving the mount namespace");
    // Slave, not private: what others unmount meanwhile must not be kept alive by our copy.
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return fail(answer, "closing the mount namespace");
    if (mount("left4me", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0 ||
        chdir("/run") < 0)
        return fail(answer, "making a private tmpfs");
    return 0;
}

static int attach_layers(char options[static OPTIONS_MAX], int upper_fd,
                         const struct stackmount_layer *layers, size_t n_layers,
                         struct answer *answer)
{
    size_t used = (size_t)snprintf(options, OPTIONS_MAX, "userxattr,lowerdir=");

    for (size_t i = 0; i < n_layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "%zx", i);
        if (attach(layers[i].fd, name) < 0)
            return fail(answer, "attaching a layer");
        int n = snprintf(options + used, OPTIONS_MAX - used, "%s%s", i ? ":" : "", name);
        used += (size_t)n;
        if (used >= OPTIONS_MAX) {
            errno = E2BIG;
            return fail(answer, "listing the layers");
        }
    }
    if (attach(upper_fd, "u") < 0)
        return fail(answer, "attaching the upper layer");
    int n = snprintf(options + used, OPTIONS_MAX - used, ",upperdir=u/upper,workdir=u/work");
    if (used + (size_t)n >= OPTIONS_MAX) {
        errno = E2BIG;
        return fail(answer, "listing the layers");
    }
    return 0;
}

static int build(int *ret, int upper_fd, const struct stackmount_layer *layers, size_t n_layers,
                 struct answer *answer)
{
    char options[OPTIONS_MAX];

    if (enter_private_room(answer) < 0 ||
        attach_layers(options, upper_fd, layers, n_layers, answer) < 0)
        return -1;
    if (mkdir("merged", 0700) < 0 ||
        mount("left4me", "merged", "overlay", MS_NOSUID | MS_NODEV, options) < 0)
        return fail(answer, "mounting the overlay");
    *ret = mount_open_tree(AT_FDCWD, "merged", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (*ret < 0)
        return fail(answer, "taking the overlay along");
    return 0;
}

static bool send_answer(int socket_fd, const struct answer *answer, int fd)
{
    struct iovec  iov = { (void *)(uintptr_t)answer, sizeof *answer };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    union {
        struct cmsghdr header;
        char           space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };

    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                           .cmsg_type = SCM_RIGHTS,
                                           .cmsg_len = CMSG_LEN(sizeof fd) };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    return sendmsg(socket_fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof *answer;
}

static int receive_answer(int *ret, int socket_fd, struct error *err)
{
    struct answer answer = { 0 };
    struct iovec  iov = { &answer, sizeof answer };
    union {
        struct cmsghdr header;
        char           space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t n;

    do
        n = recvmsg(socket_fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof answer)
        return error_set(err, ERROR_FAILED, "the process that mounts the stack was killed");
    answer.step[sizeof answer.step - 1] = '\0';
    if (answer.errnum)
        return error_sys(err, answer.errnum, "%s", answer.step);
    if (msg.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
        return error_set(err, ERROR_FAILED, "the overlay did not arrive");
    memcpy(ret, CMSG_DATA(&control.header), sizeof *ret);
    return 0;
}

int stackmount_open(int *ret, int upper_fd, const struct stackmount_layer *layers, size_t n_layers,
                    struct error *err)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_sys(err, errno, "making a socket pair");
    AUTO_FD ours = sockets[0];
    AUTO_FD theirs = sockets[1];

    pid_t child = fork();
    if (child < 0)
        return error_sys(err, errno, "forking");
    if (child == 0) {
        struct answer answer = { 0 };
        int           fd = -1;
        (void)build(&fd, upper_fd, layers, n_layers, &answer); // the answer says how it went
        _exit(send_answer(theirs, &answer, fd) ? 0 : 1);
    }
    theirs = fd_close(theirs); // so that a killed child reads as the end
    int r = receive_answer(ret, ours, err);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}
